import ort from "onnxruntime-node-gpu";
import type { Device } from "../../src/base/context.ts";
import { Engine, type EngineBuffer } from "../../src/engine/index.ts";
import { encode } from "../../src/graph/encode.ts";
import { adamwDefaults, adamwInputs } from "../../src/nn/adamw.ts";
import { buildDecode } from "../../src/nn/decode.ts";
import { parameterSpecs } from "../../src/nn/decoder.ts";
import { buildForward } from "../../src/nn/forward.ts";
import { buildGradients, buildObjective, buildOptimizerStep, buildTrainingStep } from "../../src/nn/training.ts";
import { ppoLoss, ppoScalars, randomBatch, randomWeights, tinyConfig } from "./models.ts";

const config = { ...tinyConfig, maxLength: 24 };
const size = { batchSize: 4, sequenceLength: 12, loss: ppoLoss };
const slots = 8;

/** Loads every program in sessions that refuse to leave a node to the CPU; the names of those that loaded. */
async function placement(): Promise<string[]> {
  const graphs = [
    buildForward(config, { ...size, packed: true }),
    buildObjective(config, size),
    buildGradients(config, size),
    buildOptimizerStep(config),
    buildTrainingStep(config, size),
    buildDecode(config, { slots }),
  ];
  for (const graph of graphs) {
    const session = await ort.InferenceSession.create(encode(graph).onnx, {
      executionProviders: ["webgpu"],
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    });
    await session.release();
  }
  return graphs.map(({ name }) => name);
}

/** Two updates in place and what packed rows say of the new weights, then 20 greedy tokens for each of eight sequences; every number that came out, by name. */
export default async function scenario({ device }: { device: Device }) {
  const placed = device === "webgpu" ? await placement() : [];
  const engine = await Engine.start({ device, threads: 2 });
  const seen: Record<string, number[]> = {};
  const weights: Record<string, EngineBuffer> = {};
  const moments: Record<string, EngineBuffer> = {};
  const initial = randomWeights(config);
  for (const { name, shape } of parameterSpecs(config)) {
    weights[name] = await engine.createBuffer({ dtype: "float32", shape }, initial[name]);
    for (const moment of ["m", "v"])
      moments[`${moment}.${name}`] = await engine.createBuffer({ dtype: "float32", shape });
  }
  const scalar = (value: number) => ({ dtype: "float32", shape: [], data: Float32Array.of(value) }) as const;
  const int32 = (data: Int32Array) => ({ dtype: "int32", shape: [data.length], data }) as const;
  const float32 = (data: Float32Array) => ({ dtype: "float32", shape: [data.length], data }) as const;

  const step = await engine.load(encode(buildTrainingStep(config, size)));
  const store = Object.fromEntries([
    ...Object.entries(weights).map(([name, buffer]) => [`w2.${name}`, buffer]),
    ...Object.entries(moments).map(([name, buffer]) => [name.replace(".", "2."), buffer]),
  ]);
  const { ids, targets, mask, advantages, oldLogprobs, refLogprobs, ...numbers } = randomBatch(config, 4, 12);
  for (const update of [1, 2]) {
    const outputs = await step.run({
      inputs: {
        ...weights,
        ...moments,
        ...adamwInputs({ ...adamwDefaults, epsilon: 1e-5 }, update),
        ...Object.fromEntries(Object.entries({ ...numbers, ...ppoScalars }).map(([name, v]) => [name, scalar(v)])),
        ids: int32(ids),
        targets: int32(targets),
        mask: float32(mask),
        advantages: float32(advantages),
        oldLogprobs: float32(oldLogprobs),
        refLogprobs: float32(refLogprobs),
      },
      fetch: ["loss", "gradNorm", "entropy", "kl", "clipFraction", "skipped", "ratio"],
      store,
    });
    for (const [name, { data }] of Object.entries(outputs))
      seen[`${name} of update ${update}`] = Array.from(data, Number);
  }
  for (const [name, buffer] of Object.entries({ ...weights, ...moments }))
    seen[name] = Array.from((await engine.read(buffer)).data, Number);

  // Two segments in each row: one of seven tokens, one of five.
  const forward = await engine.load(encode(buildForward(config, { ...size, packed: true })));
  const packed = await forward.run({
    inputs: {
      ...weights,
      ids: int32(ids),
      targets: int32(targets),
      segments: int32(ids.map((_, i) => (i % 12 < 7 ? 1 : 2))),
      positions: int32(ids.map((_, i) => (i % 12) % 7)),
      inverseTemperature: scalar(1),
    },
    fetch: ["logprobs", "entropy"],
  });
  for (const [name, { data }] of Object.entries(packed)) seen[`${name} of packed rows`] = Array.from(data, Number);

  const decode = await engine.load(encode(buildDecode(config, { slots })));
  const caches: Record<string, EngineBuffer> = {};
  const shape = [slots, config.numKeyValueHeads, config.maxLength, config.headDim];
  for (const { name } of decode.graph.inputs)
    if (/^[kv]\.\d+$/.test(name)) caches[name] = await engine.createBuffer({ dtype: "float32", shape });
  let tokens = Int32Array.from({ length: slots }, (_, row) => row);
  for (let position = 0; position < 20; position++) {
    const positions = new Int32Array(slots).fill(position);
    const { logprobs, entropy } = await decode.run({
      inputs: { ...weights, ...caches, ids: int32(tokens), positions: int32(positions), inverseTemperature: scalar(1) },
      fetch: ["logprobs", "entropy"],
      updateRows: Object.entries(caches).map(([name, into]) => ({
        output: name.replace("k.", "newK.").replace("v.", "newV."),
        into,
        positions,
      })),
    });
    seen[`logprobs at ${position}`] = Array.from(logprobs!.data, Number);
    seen[`entropy at ${position}`] = Array.from(entropy!.data, Number);
    tokens = tokens.map((_, row) => {
      const choices = Array.from(logprobs!.data.slice(row * config.vocabSize, (row + 1) * config.vocabSize), Number);
      return choices.indexOf(Math.max(...choices));
    });
    seen[`tokens after ${position}`] = Array.from(tokens);
  }
  await engine.close();
  return { placed, seen };
}
