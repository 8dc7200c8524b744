import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { grad } from "../../src/graph/grad.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { dpoLoss } from "../../src/training/supervised/dpo-loss.ts";
import { DpoTrainer, type DpoTrainerOptions } from "../../src/training/supervised/dpo-trainer.ts";
import { preferencePairs } from "../../src/training/supervised/preference-pairs.ts";
import { SftTrainer } from "../../src/training/supervised/sft-trainer.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { runGraph } from "../graph/runtime.ts";
import { sketchBatch } from "./batch-tools.ts";
import { supervisedLab as lab, smallPolicy } from "./supervised-tools.ts";
import { runsFolder } from "./time-tools.ts";

// Three pairs: chosen and rejected rows in turn, four tokens each.
const logprobs = [
  ...[-0.5, -1.2, -0.1, -2.0, -0.7, -0.9, -1.5, -0.3],
  ...[-1.1, -0.4, -0.6, -0.8, -0.2, -0.3, -2.2, -1.0],
  ...[-3.0, -0.1, -0.5, -0.9, -0.6, -1.4, -0.05, -0.75],
];
const mask = [0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1];
const refLogprobs = [-3.9, -2.4, -1.2, -2.9, -4.5, -2.8];

async function run(beta: number, labelSmoothing: number, shift = 0) {
  const graph = new Graph("dpo", { dtype: "float64" });
  const input = graph.input("logprobs", [24]);
  const terms = dpoLoss({
    graph,
    logprobs: input,
    entropy: input,
    mask: graph.input("mask", [24]),
    normalizer: graph.scalar(1),
    layout: { batchSize: 6, sequenceLength: 4 },
  });
  graph.output("loss", terms.loss);
  for (const [name, tensor] of Object.entries(terms.metrics!)) graph.output(name, tensor);
  graph.output("gradient", grad(terms.loss, [input])[0]!);
  const shifted = refLogprobs.map((value, i) => value + (i % 2 ? shift : -shift));
  const pairWeights = [1 / 3, 1 / 3, 1 / 3];
  return runGraph(graph, { logprobs, mask, refLogprobs: shifted, pairWeights, beta, labelSmoothing });
}

test("loss, rewards and gradient are PyTorch's (logsigmoid and autograd in float64)", async () => {
  // beta, label smoothing; loss, rewards of chosen and rejected, accuracy; gradient summed over each row's tokens.
  const vectors = [
    [0.1, 0, 0.6804053667050124, 0.026666666666666672, 0, 2 / 3],
    [0.5, 0.2, 0.6678478701149418, 0.13333333333333333, 0, 2 / 3],
    [2, 0, 0.6431739217941091, 0.5333333333333333, 0, 2 / 3],
  ] as const;
  const gradients = [
    [
      -0.04775151752081998, 0.04775151752081998, -0.03250017356771931, 0.03250017356771931, -0.06866606688258801,
      0.05149955016194101,
    ],
    [
      -0.09468038302538904, 0.09468038302538904, -0.07927449970473395, 0.07927449970473395, -0.24962834454110594,
      0.18722125840582945,
    ],
    [
      -0.28370212980097564, 0.28370212980097564, -0.35858856182666005, 0.35858856182666005, -2.0493994226640466,
      1.5370495669980349,
    ],
  ];
  for (const [i, [beta, smoothing, loss, chosen, rejected, accuracy]] of vectors.entries()) {
    const outputs = await run(beta, smoothing);
    const close = (name: string, value: number) =>
      assert.ok(Math.abs(outputs[name]![0]! - value) < 1e-12, `${name}: ${outputs[name]} is not ${value}`);
    close("loss", loss);
    close("rewardChosen", chosen);
    close("rewardRejected", rejected);
    close("rewardMargin", chosen - rejected);
    close("rewardAccuracy", accuracy);
    const gradient = Array.from(outputs.gradient!);
    for (const [row, expected] of gradients[i]!.entries()) {
      const own = gradient.slice(4 * row, 4 * row + 4);
      assert.ok(Math.abs(own.reduce((sum, value) => sum + value, 0) - expected) < 1e-12, `row ${row} of vector ${i}`);
      assert.ok(
        own.every((value, token) => (mask[4 * row + token] ? value === own[3 - (row === 2 ? 1 : 0)] : value === 0)),
      );
    }
  }
});

test("the gradient has its closed form where training begins and where a margin is far off", async () => {
  // d loss / d log pi(chosen) = -beta sigmoid(-margin) / pairs, without overflow at |margin| = 4000.
  for (const shift of [-1000, 1000]) {
    const { gradient, rewardMargin, loss } = await run(2, 0, shift);
    const expected = shift < 0 ? -2 / 3 : 0;
    assert.ok(Math.abs(rewardMargin![0]!) > 3900);
    assert.ok(Math.abs(gradient![1]! - expected) < 1e-12, `${gradient![1]} is not ${expected}`);
    assert.ok(Math.abs(loss![0]! - Math.max(0, -rewardMargin![0]!)) < 1);
  }
});

const sums = Array.from({ length: 12 }, (_, i) => ({
  prompt: `<C>${i}+${i}=?`,
  chosen: `\\boxed{${2 * i}}`,
  rejected: `\\boxed{${2 * i + 1}}`,
}));
const make = async (settings: Partial<DpoTrainerOptions> = {}) =>
  DpoTrainer.create({
    lab,
    policy: await smallPolicy(),
    pairs: sums,
    pairsPerStep: 4,
    warmupSteps: 0,
    learningRate: 3e-3,
    ...settings,
  });

test("training begins at log 2 and moves the policy towards the chosen answers; a resumed run equals it", async () => {
  const record = await runsFolder();
  const trainer = await make({ validation: sums.slice(0, 3), checkpointEvery: 2, evaluateEvery: 5 });
  const steps = await trainer.train(8, { record }).done();
  const [first, last] = [steps[0]!.metrics, steps.at(-1)!.metrics];
  assert.ok(Math.abs(first.loss - Math.LN2) < 1e-4, `begins with ${first.loss}`);
  assert.ok(Math.abs(first.rewardMargin) < 1e-4 && first.gradNorm > 0);
  assert.ok(last.loss < 0.6 && last.rewardMargin > 0.2, `ends with ${last.loss}, margin ${last.rewardMargin}`);
  assert.equal(last.rewardAccuracy, 1);
  for (const { metrics } of steps)
    for (const metric of Object.keys(metrics)) assert.ok(trainer.explain(metric).meaning, metric);
  assert.equal(last.epoch, 8 / 3);
  assert.ok(steps[4]!.metrics.evalRewardMargin! > 0 && steps[3]!.metrics.evalRewardMargin === undefined);
  assert.ok((await trainer.evaluate()).evalRewardAccuracy === 1);

  const { folder } = await trainer.openRun(record);
  const resumed = await DpoTrainer.resume(folder, { step: 5 });
  await resumed.train(3, { record: false }).done();
  assert.deepEqual(await resumed.policy.weights(), await trainer.policy.weights());
  await assert.rejects(Trainer.resume(folder), /no run of a Trainer, but one of kind dpo/);
  await assert.rejects(SftTrainer.resume(folder), /not recorded by a learner of this kind \(sft\)/);
});

test("pairs from a batch set right answers over wrong siblings; what tools wrote is in no sum", async () => {
  const policy = await smallPolicy();
  const code = "```python\nprint(1+1)\n```\n";
  const batch = sketchBatch(policy.tokenizer, [
    { text: `${code}\\boxed{2}`, reward: 1 },
    { text: "\\boxed{3}", reward: -1 },
    { text: "\\boxed{4}", reward: -1 },
    { text: "\\boxed{2}", group: 1, reward: 1 },
    { text: "\\boxed{5}", group: 2, reward: -1 },
  ]);
  const pairs = preferencePairs(batch);
  assert.deepEqual(
    pairs.map(({ chosen, rejected }) => [chosen.group, chosen.sample, rejected.sample]),
    [
      [0, 0, 1],
      [0, 0, 2],
    ],
  );
  assert.equal(preferencePairs(batch, { maxPerPrompt: 1 }).length, 1);
  const trainer = await DpoTrainer.create({ lab, policy, pairs });
  const { chosen } = trainer.pairs[0]!;
  assert.equal(chosen.trained.filter(Boolean).length, batch.rollouts[0]!.trajectory.sampledCount);
  assert.ok(chosen.roles.includes("tool") && chosen.roles.every((role, i) => role !== "tool" || !chosen.trained[i]));
});

test("messages: what the assistant said in the prompt does not count; bad pairs are refused by their place", async () => {
  const chat = {
    prompt: [
      { role: "user" as const, content: "1+1" },
      { role: "assistant" as const, content: "2" },
      { role: "user" as const, content: "2+2" },
    ],
    chosen: [{ role: "assistant" as const, content: "4" }],
    rejected: [{ role: "assistant" as const, content: "5" }],
  };
  const trainer = await make({ pairs: [chat] });
  const { ids, trained } = trainer.pairs[0]!.chosen;
  const counted = ids.filter((_, i) => trained[i]);
  assert.equal(counted.map((id) => trainer.policy.tokenizer.tokenName(id)).join(""), "4<eos>");
  // Rows that only fill the program up weigh nothing.
  const { metrics } = await trainer.trainStep();
  assert.ok(Math.abs(metrics.loss - Math.LN2) < 1e-4 && metrics.pairs === 1, `begins with ${metrics.loss}`);
  const refuses = (settings: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(make(settings as Partial<DpoTrainerOptions>), (error) => {
      assert.ok(error instanceof InvalidInputError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses({ pairs: [] }, /no pairs/);
  await refuses({ pairs: [sums[0]!, null] }, /Example 1: it has no chosen and rejected: null/);
  await refuses({ pairs: [{ ...sums[0]!, rejected: sums[0]!.chosen }] }, /Example 0: chosen and rejected are the same/);
  await refuses(
    { pairs: [sums[0]!, { ...sums[1]!, chosen: "1".repeat(80) }] },
    /Example 1 has \d+ tokens, but the policy 64/,
  );
  await refuses({ pairs: [{ ...chat, chosen: "4" }] }, /Example 0: prompt, chosen and rejected are all texts/);
  await refuses({ beta: 0 }, /beta/);
  await refuses({ labelSmoothing: 0.5 }, /labelSmoothing/);
});
