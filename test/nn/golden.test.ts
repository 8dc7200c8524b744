import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { adamwInputs } from "../../src/nn/adamw.ts";
import { checkDecoderConfig } from "../../src/nn/decoder.ts";
import { buildForward } from "../../src/nn/forward.ts";
import { fromHuggingFace, toHuggingFace } from "../../src/nn/huggingface.ts";
import { buildGradients, buildTrainingStep } from "../../src/nn/training.ts";
import { Runner, runGraph } from "../graph/runtime.ts";
import { assertClose, entries, hashedTensors, noise, norm, type Summary } from "./golden-tools.ts";
import { ppoLoss, randomWeights, replaceState } from "./models.ts";

interface Golden {
  config: Record<string, number>;
  batchSize: number;
  sequenceLength: number;
  settings: Record<
    | "inverseTemperature"
    | "clipRatioLow"
    | "clipRatioHigh"
    | "learningRate"
    | "beta1"
    | "beta2"
    | "epsilon"
    | "weightDecay"
    | "maxGradNorm",
    number
  >;
  logprobs: number[];
  entropy: number[];
  steps: { loss: number; kl: number; gradNorm: number }[];
  gradients: Record<string, Summary>;
  weights: Record<string, Summary>;
}

const golden: Golden = JSON.parse(readFileSync(new URL("./golden/qwen2.json", import.meta.url), "utf8"));
const config = checkDecoderConfig({ ...golden.config, tieWordEmbeddings: true, qkvBias: true });
const { batchSize, sequenceLength, settings } = golden;
const names = Object.keys(golden.weights);
const goldenWeights = () => {
  const tensors = hashedTensors(names, toHuggingFace(config, randomWeights(config)));
  return fromHuggingFace(config, tensors);
};

function goldenBatch() {
  const n = batchSize * sequenceLength;
  const ids = noise(n, 101).map((value) => Math.floor(value * config.vocabSize));
  const mask = noise(n, 102).map((value) => (value < 0.7 ? 1 : 0));
  const near = (salt: number) => noise(n, salt).map((value) => -Math.log(config.vocabSize) + 0.8 * (value - 0.5));
  return {
    ids,
    targets: [...ids.slice(1), ids[0]!],
    mask,
    advantages: noise(n, 103).map((value) => value * 2 - 1),
    oldLogprobs: near(104),
    refLogprobs: near(105),
    normalizer: 1 / mask.reduce((total: number, value) => total + value, 0),
    inverseTemperature: settings.inverseTemperature,
    clipRatioLow: settings.clipRatioLow,
    clipRatioHigh: settings.clipRatioHigh,
  };
}

test("log-probs and entropy equal Hugging Face's Qwen2", async () => {
  const { ids, targets, inverseTemperature } = goldenBatch();
  const graph = buildForward(config, { batchSize, sequenceLength });
  const outputs = await runGraph(graph, { ...goldenWeights(), ids, targets, inverseTemperature });
  assertClose(outputs.logprobs!, golden.logprobs, 2e-6, "logprobs");
  assertClose(outputs.entropy!, golden.entropy, 2e-6, "entropy");
});

test("gradients equal PyTorch's", async () => {
  const graph = buildGradients(config, { batchSize, sequenceLength, loss: ppoLoss });
  const outputs = await runGraph(graph, { ...goldenWeights(), ...goldenBatch() });
  assertClose(outputs.loss!, [golden.steps[0]!.loss], 1e-5, "loss");
  assertClose(outputs.kl!, [golden.steps[0]!.kl], 1e-5, "kl");
  const ours = Object.entries(outputs).filter(([name]) => name.startsWith("g2."));
  const gradients = toHuggingFace(config, Object.fromEntries(ours.map(([name, data]) => [name.slice(3), data])));
  for (const name of names) {
    const expected = golden.gradients[name]!;
    const { data } = gradients[name]!;
    assertClose([norm(data)], [expected.norm], 1e-5, `norm of the gradient of ${name}`);
    // Entries are compared on the scale of the whole tensor, since some are nearly 0.
    assertClose([...entries(data), expected.norm], [...expected.entries, expected.norm], 1e-5, `gradient of ${name}`);
  }
});

test("weights after two updates equal those of PyTorch's clip_grad_norm_ and AdamW", async () => {
  const runner = await Runner.load(buildTrainingStep(config, { batchSize, sequenceLength, loss: ppoLoss }));
  let state = goldenWeights();
  for (const [i, expected] of golden.steps.entries()) {
    const scalars = Object.entries(adamwInputs(settings, i + 1)).map(([name, { data }]) => [name, Number(data[0])]);
    const outputs = await runner.run({ ...state, ...goldenBatch(), ...Object.fromEntries(scalars) });
    assertClose(outputs.loss!, [expected.loss], 1e-5, `loss of update ${i + 1}`);
    assertClose(outputs.gradNorm!, [expected.gradNorm], 1e-5, `gradient norm of update ${i + 1}`);
    assert.equal(outputs.skipped![0], 0);
    state = replaceState(outputs);
  }
  await runner.release();
  const weights = toHuggingFace(config, state);
  for (const name of names) {
    const { data } = weights[name]!;
    assertClose([norm(data)], [golden.weights[name]!.norm], 1e-5, `norm of ${name}`);
    assertClose(entries(data), golden.weights[name]!.entries, 2e-5, name);
  }
});
