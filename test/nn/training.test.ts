import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { neg } from "../../src/graph/elementwise.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { adamwDefaults, adamwInputs } from "../../src/nn/adamw.ts";
import { checkDecoderConfig, initialise, parameterSpecs } from "../../src/nn/decoder.ts";
import {
  buildGradients,
  buildObjective,
  buildOptimizerStep,
  buildTrainingStep,
  tokenMean,
} from "../../src/nn/training.ts";
import { Runner, runGraph, type Values } from "../graph/runtime.ts";
import { ppoLoss, ppoScalars, randomBatch, randomWeights, replaceState, tinyConfig } from "./models.ts";

const shape = { batchSize: 3, sequenceLength: 6, loss: ppoLoss };
const batch = { ...randomBatch(tinyConfig, 3, 6), ...ppoScalars };

/** The optimizer's scalars as plain numbers. */
const scalars = (step: number, changes: Partial<typeof adamwDefaults> = {}) =>
  Object.fromEntries(
    Object.entries(adamwInputs({ ...adamwDefaults, ...changes }, step)).map(([name, { data }]) => [
      name,
      data as Float32Array,
    ]),
  );

const gradientsOf = (outputs: Record<string, Float32Array>) =>
  Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith("g2."))
      .map(([name, data]) => [`g.${name.slice(3)}`, data]),
  );

test("the gradient of the whole model and loss equals finite differences in float64", async () => {
  const graph = buildGradients(tinyConfig, { ...shape, dtype: "float64" });
  const objective = await Runner.load(buildObjective(tinyConfig, { ...shape, dtype: "float64" }));
  const weights = Object.fromEntries(
    Object.entries(randomWeights(tinyConfig)).map(([name, data]) => [name, Float64Array.from(data)]),
  );
  const outputs = await runGraph(graph, { ...weights, ...batch });
  const lossAt = async () => (await objective.run({ ...weights, ...batch })).loss![0]!;
  const pick = new RandomStream(5, "entries");
  const step = 1e-5;
  for (const { name } of parameterSpecs(tinyConfig)) {
    const data = weights[name]!;
    const gradient = outputs[`g2.${name}`]!;
    const scale = Math.max(...gradient.map(Math.abs));
    assert.ok(scale > 1e-4, `the loss depends on ${name}`);
    for (let k = 0; k < 10; k++) {
      const at = pick.integer(0, data.length - 1);
      const original = data[at]!;
      data[at] = original + step;
      const above = await lossAt();
      data[at] = original - step;
      const below = await lossAt();
      data[at] = original;
      const numeric = (above - below) / (2 * step);
      assert.ok(
        Math.abs(numeric - gradient[at]!) <= 1e-6 * scale,
        `${name}[${at}]: gradient ${gradient[at]}, finite difference ${numeric}`,
      );
    }
  }
  await objective.release();
});

/** Weights and moments after some updates. */
async function train(steps: number, threads: number): Promise<Record<string, Float32Array>> {
  const config = { ...tinyConfig, hiddenSize: 96, headDim: 24, intermediateSize: 200, vocabSize: 61 };
  const size = { batchSize: 8, sequenceLength: 24, loss: ppoLoss };
  const runner = await Runner.load(buildTrainingStep(config, size), { threads });
  let state = randomWeights(config);
  for (let step = 1; step <= steps; step++) {
    const inputs = { ...randomBatch(config, 8, 24, step), ...ppoScalars, ...scalars(step) };
    state = replaceState(await runner.run({ ...state, ...inputs }));
  }
  await runner.release();
  return state;
}

test("three updates give the same bits again, with one thread and with two", async () => {
  const first = await train(3, 2);
  assert.deepEqual(await train(3, 2), first);
  assert.deepEqual(await train(3, 1), first);
});

test("weights and moments can be updated in place: the same bits as in fresh arrays", async () => {
  const inputs = { ...randomWeights(tinyConfig), ...batch, ...scalars(1) };
  const runner = await Runner.load(buildTrainingStep(tinyConfig, shape));
  const inPlace = Object.fromEntries(
    parameterSpecs(tinyConfig).flatMap(({ name }) => [
      [`w2.${name}`, name],
      [`m2.${name}`, `m.${name}`],
      [`v2.${name}`, `v.${name}`],
    ]),
  );
  assert.deepEqual(await runner.run(inputs, inPlace), await runner.run(inputs));
  await runner.release();
});

test("an objective gives the loss, metrics and per-token values of the update that it previews", async () => {
  const inputs = { ...randomWeights(tinyConfig), ...batch };
  const preview = await runGraph(buildObjective(tinyConfig, shape), inputs);
  const update = await runGraph(buildTrainingStep(tinyConfig, shape), { ...inputs, ...scalars(1) });
  assert.deepEqual(Object.keys(preview), [
    "loss",
    "entropy",
    "kl",
    "clipFraction",
    "meanRatio",
    "ratio",
    "negatedLogprobs",
  ]);
  for (const [name, values] of Object.entries(preview))
    values.forEach((value, i) => void assert.ok(Math.abs(value - update[name]![i]!) < 1e-5, `${name}[${i}]`));
  const inside = (ratio: number) => ratio >= 1 - ppoScalars.clipRatioLow && ratio <= 1 + ppoScalars.clipRatioHigh;
  const outside = preview.ratio!.reduce((count, ratio, i) => count + (batch.mask[i] && !inside(ratio) ? 1 : 0), 0);
  assert.ok(Math.abs(preview.clipFraction![0]! - outside * batch.normalizer) < 1e-6);
  const wrong = { ...shape, loss: ({ logprobs }: { logprobs: Tensor }) => ({ loss: logprobs }) };
  assert.throws(() => buildObjective(tinyConfig, wrong), /loss the shape \[18\] instead of \[\]/);
});

test("accumulated micro-batches give the update of the whole batch", async () => {
  const weights = randomWeights(tinyConfig);
  const whole = await runGraph(buildTrainingStep(tinyConfig, shape), { ...weights, ...batch, ...scalars(1) });
  const single = await Runner.load(buildGradients(tinyConfig, { ...shape, batchSize: 1 }));
  const rows = (values: Values | number, row: number) =>
    typeof values === "number" ? values : Array.from(values).slice(row * 6, row * 6 + 6);
  // What an accumulator held before, even after a failed step, must not matter to the first micro-batch.
  let gradients: Record<string, Values> = Object.fromEntries(
    Object.entries(weights).map(([name, { length }]) => [`g.${name}`, new Float32Array(length).fill(Number.NaN)]),
  );
  const totals: Record<string, number> = { loss: 0, entropy: 0, kl: 0, clipFraction: 0 };
  for (let row = 0; row < 3; row++) {
    const part = Object.fromEntries(Object.entries(batch).map(([name, values]) => [name, rows(values, row)]));
    const outputs = await single.run({ ...weights, ...part, ...gradients, accumulate: row ? 1 : 0 });
    gradients = gradientsOf(outputs);
    for (const name of Object.keys(totals)) totals[name]! += outputs[name]![0]!;
  }
  await single.release();
  const step = await runGraph(buildOptimizerStep(tinyConfig), { ...weights, ...gradients, ...scalars(1) });
  for (const [name, total] of Object.entries(totals)) assert.ok(Math.abs(total - whole[name]![0]!) < 1e-6, name);
  assert.ok(Math.abs(step.gradNorm![0]! / whole.gradNorm![0]! - 1) < 1e-6);
  for (const { name } of parameterSpecs(tinyConfig))
    for (const [i, value] of whole[`m2.${name}`]!.entries())
      assert.ok(Math.abs(step[`m2.${name}`]![i]! - value) < 1e-7, `${name}[${i}]`);
});

test("a gradient that is not finite leaves weights and moments as they were and is reported", async () => {
  const weights = randomWeights(tinyConfig);
  const stream = new RandomStream(2, "moments");
  const moments = Object.fromEntries(
    Object.entries(weights).flatMap(([name, { length }]) => [
      [`m.${name}`, Float32Array.from({ length }, () => stream.normal())],
      [`v.${name}`, Float32Array.from({ length }, () => stream.next())],
    ]),
  );
  const runner = await Runner.load(buildTrainingStep(tinyConfig, shape));
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e38]) {
    const advantages = batch.advantages.map((value, i) => (batch.mask[i] && value < 0 ? -Math.abs(bad) : value));
    const outputs = await runner.run({ ...weights, ...moments, ...batch, advantages, ...scalars(3) });
    assert.equal(outputs.skipped![0], 1, `advantages of ${bad}`);
    for (const [name, data] of Object.entries({ ...weights, ...moments }))
      assert.deepEqual(outputs[/^[mv]\./.test(name) ? `${name[0]}2${name.slice(1)}` : `w2.${name}`], data, name);
  }
  const sound = await runner.run({ ...weights, ...moments, ...batch, ...scalars(3) });
  assert.equal(sound.skipped![0], 0);
  await runner.release();
});

test("hyperparameters are inputs: clipping, decay and temperature change the update without a new program", async () => {
  const weights = randomWeights(tinyConfig);
  const runner = await Runner.load(buildTrainingStep(tinyConfig, shape));
  const run = (changes: Record<string, Values | number>) =>
    runner.run({ ...weights, ...batch, ...scalars(1), ...changes });
  const base = await run({});
  const name = "model.layers.1.self_attn.o_proj.weight";
  assert.notDeepEqual((await run({ clipRatioHigh: 0.01, clipRatioLow: 0.01 }))[`w2.${name}`], base[`w2.${name}`]);
  assert.notEqual((await run({ inverseTemperature: 1 })).loss![0], base.loss![0]);
  const still = await run({ ...scalars(1, { learningRate: 0 }) });
  assert.deepEqual(still[`w2.${name}`], weights[name]);
  const small = await run({ ...scalars(1, { maxGradNorm: 1e-3 }) });
  const m2 = parameterSpecs(tinyConfig).map((spec) => small[`m2.${spec.name}`]!);
  const clipped = Math.hypot(...m2.flatMap((data) => Array.from(data))) / (1 - adamwDefaults.beta1);
  assert.ok(Math.abs(clipped - 1e-3) < 1e-6, `the clipped gradient has norm ${clipped}`);
  const strong = await run({ ...scalars(1, { weightDecay: 10 }) });
  const norm = "model.norm.weight";
  assert.deepEqual(strong[`w2.${norm}`], base[`w2.${norm}`], "norms do not decay");
  assert.notDeepEqual(strong[`w2.${name}`], base[`w2.${name}`]);
  await runner.release();
});

test("a fresh model learns a repeated sequence", async () => {
  const config = { ...tinyConfig, numLayers: 1 };
  const size = { batchSize: 4, sequenceLength: 8 };
  const loss = buildTrainingStep(config, {
    ...size,
    loss: (inputs) => ({ loss: tokenMean(neg(inputs.logprobs), inputs) }),
  });
  const runner = await Runner.load(loss);
  const ids = Int32Array.from({ length: 32 }, (_, i) => (3 * i) % 8);
  const inputs = {
    ids,
    targets: ids.map((_, i) => (3 * (i + 1)) % 8),
    mask: new Float32Array(32).fill(1),
    normalizer: 1 / 32,
    inverseTemperature: 1,
  };
  let state: Record<string, Float32Array> = initialise(config, new RandomStream(80, "init"));
  const losses: number[] = [];
  for (let step = 1; step <= 60; step++) {
    const outputs = await runner.run({ ...state, ...inputs, ...scalars(step, { learningRate: 0.02 }) });
    losses.push(outputs.loss![0]!);
    state = replaceState(outputs);
  }
  await runner.release();
  assert.ok(Math.abs(losses[0]! - Math.log(11)) < 0.3, `a fresh model is nearly uniform: ${losses[0]}`);
  assert.ok(losses.at(-1)! < 0.05, `it was ${losses.at(-1)} after 60 updates`);
});

test("settings and configurations that mean nothing are refused", () => {
  assert.throws(() => adamwInputs({ ...adamwDefaults, beta2: 1 }, 1), InvalidInputError);
  assert.throws(() => adamwInputs({ ...adamwDefaults, learningRate: Number.NaN }, 1), /learningRate/);
  assert.throws(() => adamwInputs(adamwDefaults, 0), /number of an update/);
  assert.throws(
    () => checkDecoderConfig({ ...tinyConfig, numKeyValueHeads: 3 }),
    /numHeads.*multiple of numKeyValueHeads/,
  );
  assert.throws(() => checkDecoderConfig({ ...tinyConfig, headDim: 5 }), /headDim.*\(was 5\)/);
});
