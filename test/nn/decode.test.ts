import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { sizeOf } from "../../src/graph/tensor.ts";
import { buildDecode } from "../../src/nn/decode.ts";
import type { DecoderConfig } from "../../src/nn/decoder.ts";
import { buildForward } from "../../src/nn/forward.ts";
import { Runner, runGraph } from "../graph/runtime.ts";
import { randomBatch, randomWeights, tinyConfig } from "./models.ts";

/** Sizes that are no multiples of a vector's width, and weights narrow and deep enough to be shared out differently. */
const wideConfig: DecoderConfig = {
  ...tinyConfig,
  vocabSize: 150,
  hiddenSize: 96,
  numHeads: 8,
  numKeyValueHeads: 2,
  headDim: 20,
  intermediateSize: 260,
  maxLength: 150,
};

const caches = (config: DecoderConfig) =>
  Array.from({ length: config.numLayers }, (_, layer) => [`k.${layer}`, `v.${layer}`]).flat();

/** Elements of one row of a cache. */
const rowSize = (config: DecoderConfig) => sizeOf([config.numKeyValueHeads, config.maxLength, config.headDim]);

for (const config of [tinyConfig, { ...tinyConfig, numKeyValueHeads: 4 }, wideConfig])
  test(`decoded log-probs equal those of whole sequences, ${config.numHeads}/${config.numKeyValueHeads} heads`, async () => {
    const [slots, length] = [8, Math.min(config.maxLength, 40)];
    const weights = randomWeights(config);
    const { ids, targets, inverseTemperature } = randomBatch(config, slots, length);
    const forward = buildForward(config, { batchSize: slots, sequenceLength: length });
    const whole = await runGraph(forward, { ...weights, ids, targets, inverseTemperature });
    const decode = await Runner.load(buildDecode(config, { slots }));
    const size = rowSize(config);
    const stored = Object.fromEntries(caches(config).map((name) => [name, new Float32Array(slots * size)]));
    // Row r starts r steps late, so that all rows stand at different positions.
    for (let step = 0; step < length + slots; step++) {
      const positions = Int32Array.from({ length: slots }, (_, row) => step - row);
      const fed = positions.map((position) => Math.min(Math.max(position, 0), length - 1));
      const outputs = await decode.run({
        ...weights,
        ...stored,
        ids: fed.map((position, row) => ids[row * length + position]!),
        positions: fed,
        inverseTemperature,
      });
      for (let row = 0; row < slots; row++) {
        const position = positions[row]!;
        if (position < 0 || position >= length) continue;
        const token = row * length + position;
        const logprob = outputs.logprobs![row * config.vocabSize + targets[token]!]!;
        assert.ok(Math.abs(logprob - whole.logprobs![token]!) < 1e-5, `row ${row}, position ${position}`);
        assert.ok(Math.abs(outputs.entropy![row]! - whole.entropy![token]!) < 1e-5, `row ${row}, position ${position}`);
        for (const name of caches(config)) {
          const fresh = outputs[`new${name[0]!.toUpperCase()}${name.slice(1)}`]!;
          for (let head = 0; head < config.numKeyValueHeads; head++) {
            const from = (row * config.numKeyValueHeads + head) * config.headDim;
            const to = row * size + (head * config.maxLength + position) * config.headDim;
            stored[name]!.set(fresh.subarray(from, from + config.headDim), to);
          }
        }
      }
    }
    await decode.release();
  });

for (const config of [tinyConfig, wideConfig])
  for (const threads of [1, 2])
    test(`a row has the same bits in any slot, company and batch size: width ${config.hiddenSize}, ${threads} threads`, async () => {
      const stream = new RandomStream(4, "rows");
      const size = rowSize(config);
      const weights = randomWeights(config);
      const row = () => ({
        id: stream.integer(0, config.vocabSize - 1),
        position: stream.integer(0, config.maxLength - 1),
        caches: caches(config).map(() => Float32Array.from({ length: size }, () => stream.next() * 2 - 1)),
      });
      const rows = Array.from({ length: 5 }, row);
      const seen = new Map<string, Float32Array>();
      for (const slots of [2, 5, 8, 16, 32, 64, 128, 256]) {
        const decode = await Runner.load(buildDecode(config, { slots, threads }), { threads });
        for (let round = 0; round < 2; round++) {
          const company = row();
          const placed = rows.slice(0, slots);
          const places = stream.shuffle(Array.from({ length: slots }, (_, i) => i)).slice(0, placed.length);
          const at = (slot: number) => placed[places.indexOf(slot)] ?? company;
          const all = Array.from({ length: slots }, (_, slot) => at(slot));
          const outputs = await decode.run({
            ...weights,
            ids: all.map(({ id }) => id),
            positions: all.map(({ position }) => position),
            inverseTemperature: 0.9,
            ...Object.fromEntries(
              caches(config).map((name, i) => {
                const data = new Float32Array(slots * size);
                all.forEach((entry, slot) => void data.set(entry.caches[i]!, slot * size));
                return [name, data];
              }),
            ),
          });
          for (const [name, data] of Object.entries(outputs))
            for (const [i, entry] of placed.entries()) {
              const width = data.length / slots;
              const result = data.slice(places[i]! * width, (places[i]! + 1) * width);
              const key = `${rows.indexOf(entry)} ${name}`;
              if (!seen.has(key)) seen.set(key, result);
              assert.deepEqual(result, seen.get(key), `${name} of row ${key} with ${slots} slots`);
            }
        }
        await decode.release();
      }
    });

test("what stands in a cache from a row's position on is ignored", async () => {
  const config = tinyConfig;
  const decode = await Runner.load(buildDecode(config, { slots: 2 }));
  const size = rowSize(config);
  const filled = (value: number) =>
    Object.fromEntries(
      caches(config).map((name) => [
        name,
        Float32Array.from({ length: 2 * size }, (_, i) =>
          Math.floor(i / config.headDim) % config.maxLength < 3 ? Math.sin(i) : value,
        ),
      ]),
    );
  const inputs = { ...randomWeights(config), ids: [3, 4], positions: [3, 3], inverseTemperature: 1 };
  const clean = await decode.run({ ...inputs, ...filled(0) });
  assert.deepEqual(await decode.run({ ...inputs, ...filled(1e6) }), clean);
  await decode.release();
});
