import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { grad } from "../../src/graph/grad.ts";
import { type Graph, sizeOf } from "../../src/graph/tensor.ts";
import { adamwInputs } from "../../src/nn/adamw.ts";
import { checkDecoderConfig, type DecoderConfig } from "../../src/nn/decoder.ts";
import { fromHuggingFace, toHuggingFace } from "../../src/nn/huggingface.ts";
import { openGraph } from "../../src/nn/transformer.ts";
import { buildValueStep, buildValues, sequenceValues, valueHeadSpecs, valueSpecs } from "../../src/nn/value.ts";
import { clippedValueLoss } from "../../src/training/critic/value-loss.ts";
import { Runner, runGraph } from "../graph/runtime.ts";
import { assertClose, entries, hashedTensors, noise, norm, type Summary } from "./golden-tools.ts";
import { randomBatch, randomWeights, replaceState, tinyConfig } from "./models.ts";

type Weights = Record<string, Float32Array>;

/** A whole value model's weights; the head is not the zeros of a fresh one, so that gradients reach the layers below. */
function randomValueWeights(config: DecoderConfig): Weights {
  const stream = new RandomStream(2, "head");
  const head = valueHeadSpecs(config).map(({ name, shape }) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, () => 0.3 * stream.normal()),
  ]);
  return { ...randomWeights(config), ...Object.fromEntries(head) };
}

/** Loss and gradients in float64. */
function gradientGraph(batchSize: number, sequenceLength: number): Graph {
  const specs = valueSpecs(tinyConfig);
  const shape = { batchSize, sequenceLength, dtype: "float64" } as const;
  const [graph, weights] = openGraph("valueGradients", tinyConfig, shape, specs);
  const values = sequenceValues(graph, tinyConfig, weights, shape);
  const mask = graph.input("mask", values.shape);
  const { loss } = clippedValueLoss({ graph, values, mask, normalizer: graph.input("normalizer", []) });
  graph.output("loss", loss);
  const gradients = grad(
    loss,
    specs.map(({ name }) => weights[name]!),
  );
  specs.forEach(({ name }, i) => {
    graph.output(`g.${name}`, gradients[i]!);
  });
  return graph;
}

test("the gradient of the clipped value loss by every weight, the head's too, equals finite differences", async () => {
  const runner = await Runner.load(gradientGraph(3, 6));
  const stream = new RandomStream(4, "returns");
  const draw = () => Float64Array.from({ length: 18 }, () => 2 * stream.next() - 1);
  const { ids, mask, normalizer } = randomBatch(tinyConfig, 3, 6);
  const inputs = { ids, mask, normalizer, returns: draw(), oldValues: draw(), valueClip: 0.3 };
  const weights = Object.fromEntries(
    Object.entries(randomValueWeights(tinyConfig)).map(([name, data]) => [name, Float64Array.from(data)]),
  );
  const outputs = await runner.run({ ...weights, ...inputs });
  const lossAt = async () => (await runner.run({ ...weights, ...inputs })).loss![0]!;
  const pick = new RandomStream(5, "entries");
  const step = 1e-6;
  for (const { name } of valueSpecs(tinyConfig)) {
    const data = weights[name]!;
    const gradient = outputs[`g.${name}`]!;
    const scale = Math.max(...gradient.map(Math.abs));
    assert.ok(scale > 1e-5, `the loss depends on ${name}`);
    for (let k = 0; k < 5; k++) {
      const at = pick.integer(0, data.length - 1);
      const original = data[at]!;
      data[at] = original + step;
      const above = await lossAt();
      data[at] = original - step;
      const below = await lossAt();
      data[at] = original;
      const numeric = (above - below) / (2 * step);
      assert.ok(
        Math.abs(numeric - gradient[at]!) <= 1e-5 * scale,
        `${name}[${at}]: gradient ${gradient[at]}, finite difference ${numeric}`,
      );
    }
  }
  await runner.release();
});

interface Golden {
  config: Record<string, number>;
  batchSize: number;
  sequenceLength: number;
  settings: Record<
    "valueClip" | "learningRate" | "beta1" | "beta2" | "epsilon" | "weightDecay" | "maxGradNorm",
    number
  >;
  values: number[];
  steps: { loss: number; clipFraction: number; gradNorm: number }[];
  weights: Record<string, Summary>;
}

test("values and two updates equal those of Hugging Face's Qwen2 with a head of one label, and PyTorch's AdamW", async () => {
  const golden: Golden = JSON.parse(readFileSync(new URL("./golden/value.json", import.meta.url), "utf8"));
  const config = checkDecoderConfig({ ...golden.config, tieWordEmbeddings: true, qkvBias: true });
  const { batchSize, sequenceLength, settings } = golden;
  const head = Object.fromEntries(valueHeadSpecs(config).map(({ name, shape }) => [name, { shape }]));
  const asFile = { ...toHuggingFace(config, randomWeights(config)), ...head };
  const { "score.weight": weight, "score.bias": bias, ...body } = hashedTensors(Object.keys(golden.weights), asFile);
  let state: Weights = { ...fromHuggingFace(config, body), "score.weight": weight!.data, "score.bias": bias!.data };
  const n = batchSize * sequenceLength;
  const ids = noise(n, 201).map((value) => Math.floor(value * config.vocabSize));
  const mask = noise(n, 202).map((value) => (value < 0.7 ? 1 : 0));
  const batch = {
    ids,
    mask,
    returns: noise(n, 203).map((value) => value * 4 - 2),
    oldValues: noise(n, 204).map((value) => value * 2 - 1),
    normalizer: 1 / mask.reduce((total: number, value) => total + value, 0),
    valueClip: settings.valueClip,
  };
  const { values } = await runGraph(buildValues(config, { batchSize, sequenceLength }), { ...state, ids });
  assertClose(values!, golden.values, 2e-6, "values");
  const runner = await Runner.load(buildValueStep(config, { batchSize, sequenceLength, loss: clippedValueLoss }));
  for (const [i, expected] of golden.steps.entries()) {
    const scalars = Object.entries(adamwInputs(settings, i + 1)).map(([name, { data }]) => [name, Number(data[0])]);
    const outputs = await runner.run({ ...state, ...batch, ...Object.fromEntries(scalars) });
    for (const [name, value] of Object.entries(expected))
      assertClose(outputs[name]!, [value], 1e-5, `${name} of update ${i + 1}`);
    assert.equal(outputs.skipped![0], 0);
    state = replaceState(outputs);
  }
  await runner.release();
  const weights = { ...toHuggingFace(config, state) };
  for (const name of Object.keys(head)) weights[name] = { ...head[name]!, data: state[name]! };
  for (const [name, expected] of Object.entries(golden.weights)) {
    const { data } = weights[name]!;
    assertClose([norm(data)], [expected.norm], 1e-5, `norm of ${name}`);
    assertClose(entries(data), expected.entries, 2e-5, name);
  }
});
