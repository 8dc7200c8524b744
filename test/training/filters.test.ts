import assert from "node:assert/strict";
import { after, test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import type { Reward } from "../../src/reward/index.ts";
import { estimatorOf } from "../../src/training/advantages/index.ts";
import { shapedReward } from "../../src/training/batch.ts";
import { explainMetric } from "../../src/training/explain.ts";
import { applyFilters, type FilterSetting, filtersSchema } from "../../src/training/filters/index.ts";
import { softOverlong } from "../../src/training/filters/overlong.ts";
import { errorMetrics, rolloutMetrics } from "../../src/training/metrics.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { sketchBatch } from "./batch-tools.ts";
import { byLength, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) =>
  smallTrainer({ interpreter, promptsPerStep: 4, numGenerations: 4, maxLength: 48, ...settings });
const tokenizer = tinyMathTokenizer();
const filters = (...settings: unknown[]): FilterSetting[] => filtersSchema.parse(settings);
const named = (batch: { rollouts: readonly { marks?: readonly { filter: string }[] }[] }) =>
  batch.rollouts.map(({ marks = [] }) => marks.map(({ filter }) => filter).join(" "));

test("soft overlong punishment: DAPO's setting and CIR's", () => {
  // arXiv:2503.14476: 20,480 tokens at most, the last 4,096 of them punished.
  const dapo = (length: number) => softOverlong(length, { maxLength: 20480, buffer: 4096 });
  assert.deepEqual([100, 16384, 17408, 18432, 20480, 30000].map(dapo), [0, 0, -0.25, -0.5, -1, -1]);
  // arXiv:2505.24480's code: min(-(L - (max - buffer)) / buffer * factor, 0).
  for (const length of [1, 3000, 3072, 3073, 4000, 4096])
    assert.equal(
      softOverlong(length, { maxLength: 4096, buffer: 1024, factor: 0.5 }) + 0,
      Math.min((-(length - 3072) / 1024) * 0.5, 0) + 0,
    );
});

const code = "```python\nprint(1+1)\n```\n";

test("each filter masks what it is for, and says why", () => {
  const batch = sketchBatch(tokenizer, [
    { text: `${code}\\boxed{2}`, reward: 1 },
    { text: "2", reward: -1 },
    { text: `${code}2`, reward: -1 },
    { text: "```python\nprint(1+1", reward: -1 },
    { text: "```output\n2\n```\n\\boxed{2}", reward: 1 },
    { text: "\\boxed{2}", group: 1, reward: 1 },
    { text: "1111111111111111", group: 1, reward: 1, maxLength: 16 },
  ]);
  const by = (setting: unknown) => named(applyFilters(batch, filters(setting))).map(Boolean);
  assert.deepEqual(by({ name: "voidTurn" }), [false, true, true, true, false, false, true]);
  assert.deepEqual(by({ name: "forgedOutput" }), [false, false, false, false, true, false, false]);
  assert.deepEqual(by({ name: "zeroVariance" }), [false, false, false, false, false, true, true]);
  assert.deepEqual(by({ name: "overlong", mode: "mask" }), [false, false, false, false, false, false, true]);
  assert.deepEqual(by({ name: "repetition", ngram: 3, times: 4 }), [false, false, false, false, false, false, true]);
  const [void1] = applyFilters(batch, filters({ name: "voidTurn" })).rollouts[2]!.marks!;
  assert.match(void1!.reason, /turn 2 has neither/);
  // Two filters, two marks; the batch that was given is as it was.
  const both = applyFilters(batch, filters({ name: "voidTurn" }, { name: "overlong", mode: "mask" }));
  assert.equal(named(both)[6], "voidTurn overlong");
  assert.ok(batch.rollouts.every(({ marks }) => marks === undefined));
  assert.equal(rolloutMetrics(batch).repetition, 1 / 7);
});

test("a punishment changes the reward that is trained on, not the one that was earned, and later filters see it", () => {
  const batch = sketchBatch(tokenizer, [
    { text: "\\boxed{2}", reward: 1, maxLength: 40 },
    { text: "111111111111111", reward: 1, maxLength: 24 },
  ]);
  const penalty = { name: "overlong", mode: "penalty", buffer: 8, factor: 0.5 };
  const { rollouts } = applyFilters(batch, filters(penalty, { name: "zeroVariance" }));
  const { length } = rollouts[1]!.trajectory;
  assert.equal(shapedReward(rollouts[0]!), 1);
  assert.equal(shapedReward(rollouts[1]!), 1 + softOverlong(length, { maxLength: 24, buffer: 8, factor: 0.5 }));
  assert.ok(shapedReward(rollouts[1]!) < 1);
  assert.equal(rollouts[1]!.reward.reward, 1);
  assert.deepEqual(named({ rollouts }), ["", "overlong"], "the group has variance now");
  assert.deepEqual(named(applyFilters(batch, filters({ name: "zeroVariance" }))), ["zeroVariance", "zeroVariance"]);
});

test("a filter that removes nothing changes nothing, bit for bit", async () => {
  const plain = await make();
  const idle = await make({ filters: [{ name: "repetition", times: 1000, inStatistics: false }] });
  for (let i = 0; i < 2; i++) {
    const { metrics } = await idle.trainStep();
    await plain.trainStep();
    assert.equal(metrics["filtered.repetition"], 0);
  }
  assert.deepEqual(await idle.policy.weights(), await plain.policy.weights());
});

test("a masked rollout leaves the loss; out of the statistics it changes nobody's advantage either", async () => {
  for (const advantageEstimator of ["grpo", "reinforce++-baseline", "reinforce++"] as const) {
    const trainer = await make({ advantageEstimator });
    const batch = await trainer.collect();
    const setting = (inStatistics: boolean) => filters({ name: "repetition", ngram: 1, times: 3, inStatistics });
    const inside = applyFilters(batch, setting(true));
    const outside = applyFilters(batch, setting(false));
    const isMasked = inside.rollouts.map(({ marks }) => marks !== undefined);
    assert.ok(isMasked.includes(true) && isMasked.includes(false), "some are masked and some are not");

    assert.deepEqual(trainer.advantages(inside), trainer.advantages(batch));
    // One that has lost its whole group has nothing to be compared with, where an estimator compares within groups.
    const smallest = estimatorOf(advantageEstimator).minGroupSize ?? 1;
    const size = (group: number) => batch.rollouts.filter((one, i) => one.group === group && !isMasked[i]).length;
    const counts = batch.rollouts.map(({ group }, i) => !isMasked[i] && size(group) >= smallest);
    const left = { ...batch, rollouts: batch.rollouts.filter((_, i) => counts[i]) };
    const alone = trainer.advantages(left).perRollout;
    const without = trainer.advantages(outside).perRollout;
    assert.deepEqual(Array.from(without.filter((_, i) => counts[i])), Array.from(alone));
    assert.ok(without.every((value, i) => counts[i] || value === 0));
    // Whatever reward it got.
    const other = {
      ...outside,
      rollouts: outside.rollouts.map((one, i) =>
        isMasked[i] ? { ...one, reward: { ...one.reward, reward: 99 } } : one,
      ),
    };
    assert.deepEqual(trainer.advantages(other).perRollout, without);

    const { tokens } = await trainer.objective(inside, trainer.advantages(inside));
    assert.ok(tokens.every(({ rollout }) => !isMasked[rollout]));
    const sampled = inside.rollouts.reduce((sum, one, i) => sum + (isMasked[i] ? 0 : one.trajectory.sampledCount), 0);
    assert.equal(tokens.length, sampled);
    assert.equal((await trainer.update(inside, trainer.advantages(inside))).tokens, sampled);
    await trainer.close();
  }
});

test("where filters leave nothing, nothing is changed", async () => {
  const trainer = await make({
    filters: [{ name: "repetition", ngram: 1, times: 2, inStatistics: false }],
    maxLength: 96,
  });
  await trainer.trainStep(); // gives the optimizer momentum, which alone would move the weights
  const before = await trainer.policy.weights();
  trainer.configure({ filters: [{ name: "zeroVariance" }] });
  const batch = await trainer.collect();
  const same = applyFilters(
    { ...batch, rollouts: batch.rollouts.map((one) => ({ ...one, reward: { ...one.reward, reward: 1 } })) },
    filters({ name: "zeroVariance" }),
  );
  const update = await trainer.update(same, trainer.advantages(same));
  assert.equal(update.skipped, 2);
  assert.equal(update.tokens, 0);
  assert.deepEqual(await trainer.policy.weights(), before);
});

/** Half of the prompts have variance. */
const bySome: Reward = {
  name: "by some",
  score: (input) => (Number(input.task.answer) % 2 ? byLength.score(input) : { reward: 1, correct: true, detail: {} }),
};

test("dynamic sampling refills the batch with prompts that teach, the same ones every time", async () => {
  const zeroVariance = { name: "zeroVariance", maxRefills: 8 } as const;
  const settings = { reward: bySome, filters: [zeroVariance] } satisfies Partial<TrainerOptions>;
  const trainer = await make(settings);
  const plain = await (await make({ reward: bySome })).collect();
  assert.ok(rolloutMetrics(plain).zeroVariance > 0, "the first prompts do not all teach");
  const batch = await trainer.collect();
  assert.equal(rolloutMetrics(batch).zeroVariance, 0);
  const groups = [...new Set(batch.rollouts.map(({ group }) => group))];
  assert.equal(groups.length, 4);
  assert.equal(batch.rollouts.length, 16);
  const { rounds, discardedPrompts, collectedAccuracy } = batch.refill!;
  assert.ok(rounds >= 1 && rounds <= 8 && discardedPrompts >= 1 && collectedAccuracy > 0);
  // Prompts of the first round stay; the others are new draws.
  const stayed = groups.filter((group) => group < 4);
  assert.equal(stayed.length, 4 - rolloutMetrics(plain).zeroVariance * 4);
  const again = await (await make(settings)).collect();
  assert.deepEqual(
    again.rollouts.map(({ group, trajectory }) => ({ group, ids: trajectory.ids })),
    batch.rollouts.map(({ group, trajectory }) => ({ group, ids: trajectory.ids })),
  );
  const { metrics } = await trainer.trainStep();
  assert.equal(metrics.refillRounds, rounds);
  assert.equal(metrics["filtered.zeroVariance"], 0);
  assert.equal(metrics.skipped, 0);
});

test("dynamic sampling gives up after its rounds and masks what does not teach", async () => {
  const constant: Reward = { name: "constant", score: () => ({ reward: 1, correct: true, detail: {} }) };
  const trainer = await make({ reward: constant, filters: [{ name: "zeroVariance", maxRefills: 2 }] });
  const before = await trainer.policy.weights();
  const { metrics, batch, alerts } = await trainer.trainStep();
  assert.equal(batch.refill!.rounds, 2);
  assert.equal(batch.refill!.discardedPrompts, 8);
  assert.equal(metrics["filtered.zeroVariance"], 1);
  assert.equal(metrics.tokens, 0);
  assert.deepEqual(await trainer.policy.weights(), before);
  assert.match(alerts.map(({ message }) => message).join("\n"), /filters left no token/);
});

test("bad settings of filters are refused by name", async () => {
  await assert.rejects(make({ filters: [{ name: "overlong", mode: "penalty", buffer: 0 }] }), /buffer/);
  await assert.rejects(make({ filters: [{ name: "voidTurns" }] } as never), /filters/);
  await assert.rejects(make({ filters: [{ name: "voidTurn" }, { name: "voidTurn" }] }), /a filter comes twice/);
});

test("errors are counted by class: Python's own name, or how the execution ended", () => {
  const code = "```python\n1\n```";
  const batch = sketchBatch(tokenizer, [
    { text: code, status: "error", error: "NameError" },
    { text: code + code, status: "error", error: "NameError" },
    { text: code, status: "timeout" },
    { text: code, status: "error", error: "not a name" },
    { text: code },
    { text: "2" },
  ]);
  const metrics = errorMetrics(batch);
  assert.deepEqual(metrics, { "toolErrors.NameError": 3 / 6, "toolErrors.error": 1 / 6, "toolErrors.timeout": 1 / 6 });
  assert.equal(rolloutMetrics(batch).toolErrors, 5 / 6);
  assert.match(explainMetric("toolErrors.NameError").meaning, /ended in NameError/);
});
