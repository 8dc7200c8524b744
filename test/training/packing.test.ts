import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { buildForward } from "../../src/nn/forward.ts";
import { buildGradients } from "../../src/nn/training.ts";
import { crossEntropy } from "../../src/training/objectives/cross-entropy.ts";
import type { MaskedRows } from "../../src/training/optimizer.ts";
import { layOut, packRows } from "../../src/training/supervised/packing.ts";
import { runGraph } from "../graph/runtime.ts";
import { randomWeights, tinyConfig } from "../nn/models.ts";

const stream = new RandomStream(4, "samples");
const sample = (length: number) => ({
  ids: Array.from({ length }, () => stream.integer(1, tinyConfig.vocabSize - 1)),
  trained: Array.from({ length }, (_, i) => i > 0 && stream.next() < 0.7),
});
const samples = [7, 3, 5, 2, 9].map(sample);
const weights = Object.fromEntries(
  Object.entries(randomWeights(tinyConfig)).map(([name, data]) => [name, Float64Array.from(data)]),
);

const inputs = (rows: MaskedRows) => ({
  ...weights,
  ids: rows.ids,
  targets: rows.targets,
  ...rows.packing,
  inverseTemperature: 1,
});

async function gradients(rows: MaskedRows) {
  const shape = { batchSize: rows.rows, sequenceLength: rows.length, packed: rows.packing !== undefined };
  const graph = buildGradients(tinyConfig, { ...shape, loss: crossEntropy, dtype: "float64" });
  const trained = rows.mask.reduce((sum, value) => sum + value, 0);
  return runGraph(graph, { ...inputs(rows), mask: rows.mask, normalizer: 1 / trained });
}

test("packed rows have the loss and the gradient of rows with one sample each", async () => {
  const apart = await gradients(
    layOut(
      samples.map((one) => [one]),
      { rows: 5, length: 12, padId: 0 },
      false,
    ),
  );
  const bins = packRows(
    samples.map(({ ids }) => ids.length),
    12,
  );
  assert.deepEqual(bins, [[0, 1, 3], [2], [4]]);
  const rows = bins.map((bin) => bin.map((i) => samples[i]!));
  const together = await gradients(layOut(rows, { rows: 4, length: 12, padId: 0 }, true));
  assert.ok(Math.abs(apart.loss![0]! - together.loss![0]!) < 1e-12, `${apart.loss} and ${together.loss}`);
  for (const [name, expected] of Object.entries(apart)) {
    if (!name.startsWith("g2.")) continue;
    const scale = Math.max(...expected.map(Math.abs));
    assert.ok(scale > 1e-4, name);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - together[name]![i]!)));
    assert.ok(worst < 1e-10 * scale, `${name} is off by ${worst}`);
  }
});

test("a packed sample's log-probs do not change with its neighbours' tokens, and without segments they would", async () => {
  const [first, second] = [sample(5), sample(6)];
  const other = { ...first, ids: first.ids.map((id) => (id % (tinyConfig.vocabSize - 1)) + 1) };
  const logprobs = async (neighbour: typeof first, segment: number) => {
    const rows = layOut([[neighbour, second]], { rows: 1, length: 12, padId: 0 }, true);
    rows.packing!.segments.fill(segment, 0, 5);
    const graph = buildForward(tinyConfig, { batchSize: 1, sequenceLength: 12, packed: true, dtype: "float64" });
    return Array.from((await runGraph(graph, inputs(rows))).logprobs!.slice(5, 10));
  };
  assert.deepEqual(await logprobs(other, 1), await logprobs(first, 1));
  assert.notDeepEqual(await logprobs(other, 2), await logprobs(first, 2));
});

test("packing keeps every sample once, whole, and fills rows better than in order", () => {
  const lengths = Array.from({ length: 500 }, () => stream.integer(3, 96));
  const rows = packRows(lengths, 96);
  assert.deepEqual(
    rows.flat().sort((a, b) => a - b),
    lengths.map((_, i) => i),
  );
  const used = rows.map((row) => row.reduce((sum, i) => sum + lengths[i]!, 0));
  assert.ok(used.every((tokens) => tokens <= 96));
  const filled = used.reduce((sum, tokens) => sum + tokens, 0) / (rows.length * 96);
  assert.ok(filled > 0.9, `rows are ${filled} full`);
});
