import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { CheckpointError, InvalidInputError } from "../../src/base/errors.ts";
import { bytesOf } from "../../src/base/files.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { parameterSpecs } from "../../src/nn/index.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Run } from "../../src/recording/index.ts";
import { type Reward, reward, rewards } from "../../src/reward/index.ts";
import { advantageInput } from "../../src/training/advantage-input.ts";
import { estimateAdvantages } from "../../src/training/advantages/index.ts";
import { type Batch, isTrained, type ScoredRollout } from "../../src/training/batch.ts";
import { checkpointFiles, readCheckpointFiles } from "../../src/training/checkpoint-files.ts";
import { configAt } from "../../src/training/config.ts";
import type { CriticState } from "../../src/training/critic/critic.ts";
import { explainedVariance } from "../../src/training/critic/update.ts";
import { culprits } from "../../src/training/guards/culprits.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { readRolloutRecords } from "../../src/training/rollout-records.ts";
import { scoreRollout } from "../../src/training/score-rollout.ts";
import { Trainer } from "../../src/training/trainer.ts";
import type { UpdateReport } from "../../src/training/types.ts";
import { sketch, sketchBatch } from "./batch-tools.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

// Nothing is executed here: the lightest will do.
const interpreter = await Interpreter.start({ language: "javascript" });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) =>
  smallTrainer({ interpreter, advantageEstimator: "gae", warmupSteps: 0, maxToolCalls: 0, ...settings });

/** What each rollout of a batch is trained on: token indices. */
const trained = ({ trajectory }: ScoredRollout) =>
  [...trajectory.ids.keys()].filter((token) => isTrained(trajectory, token, { maskToolTokens: true }));
const valuesOf = (batch: Batch) => batch.rollouts.flatMap((one) => trained(one).map((token) => one.values![token]!));
const flat = (rows: readonly ArrayLike<number>[] | undefined) => rows!.flatMap((row) => Array.from(row));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]) => mean(values.map((value) => (value - mean(values)) ** 2));
const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} is ${actual}, not ${expected}`);

/** Weights are too many to be told apart by a printed difference. */
const same = (actual: unknown, expected: unknown, what: string) => assert.ok(isDeepStrictEqual(actual, expected), what);

/** Pays for digits, and less on one family of tasks: something to learn, and something to foresee. */
const digits: Reward = {
  name: "digits by family",
  score({ task, text }) {
    const share = (text.match(/\d/g) ?? []).length / Math.max(4, text.length);
    const base = (task as { family?: string }).family === "algebra" ? 0 : -1;
    return { reward: Math.min(1, 3 * share) + base, correct: false, detail: {} };
  },
};

test("with GAE the critic learns what is to come and the policy learns from it", async () => {
  const rates = { learningRate: 3e-3, criticLearningRate: 3e-3 };
  const trainer = await make({ ...rates, promptsPerStep: 8, numGenerations: 4, warmupSteps: 3, reward: digits });
  const steps: UpdateReport[] = [];
  const earned: number[] = [];
  for (let step = 0; step < 14; step++) {
    const { metrics } = await trainer.trainStep();
    steps.push(metrics);
    earned.push(metrics.reward);
  }
  const explained = steps.map((one) => one.explainedVariance!);
  assert.equal(explained[0], 0, "a fresh critic foresees nothing");
  assert.ok(mean(explained.slice(5)) > 0.5, `explained variance: ${explained}`);
  assert.ok(steps.at(-1)!.valueLoss! < steps[0]!.valueLoss!);
  assert.ok(mean(earned.slice(-4)) > mean(earned.slice(0, 4)) + 0.25, `rewards: ${earned}`);
  assert.ok(steps.every(({ criticSkipped, skipped }) => criticSkipped === 0 && skipped === 0));
  for (const metric of Object.keys(steps[0]!))
    if (/value|critic|Variance/.test(metric)) assert.ok(trainer.explain(metric).expected, metric);
  await trainer.close();
});

test("a fresh critic says 0: the first advantages are REINFORCE++'s, and its figures are the formulas'", async () => {
  const trainer = await make({ miniBatches: 1, valueClip: 0.05, criticLearningRate: 1e-2 });
  const batch = await trainer.collect();
  const first = trainer.advantages(batch);
  assert.ok(valuesOf(batch).every((value) => value === 0));
  const others = estimateAdvantages("reinforce++", advantageInput(batch, configAt(trainer.config, 0)));
  assert.deepEqual(first.perToken, others.perToken);
  const { tokens } = await trainer.objective(batch, first);
  const returns = flat(first.returns);
  assert.deepEqual(
    tokens.map((term) => [term.value, term.return]),
    returns.map((value) => [0, value]),
  );
  const update = await trainer.update(batch, first);
  near(update.valueLoss!, mean(returns.map((value) => value ** 2)) / 2, 1e-5, "valueLoss");
  assert.deepEqual([update.explainedVariance! <= 0.01, update.valueMean, update.valueClipFraction], [true, 0, 0]);

  // Scored again: the values have moved, and an update on the batch is judged by them.
  const again = await trainer.score({ ...batch, policyVersion: -1 });
  const now = trainer.advantages(again);
  const values = valuesOf(again);
  const targets = flat(now.returns);
  assert.ok(variance(values) > 0 && Math.abs(mean(values)) > 0.01);
  const second = await trainer.update(again, now);
  near(second.valueMean!, mean(values), 1e-5, "valueMean");
  const errors = targets.map((target, i) => target - values[i]!);
  near(second.explainedVariance!, 1 - variance(errors) / variance(targets), 1e-5, "explainedVariance");
  near(second.valueLoss!, mean(errors.map((error) => error ** 2)) / 2, 1e-5, "valueLoss");

  // The first scoring's values, 0, hold back a critic that has gone further than valueClip.
  const late = await trainer.update({ ...batch, policyVersion: -1 }, first);
  const scored = valuesOf(await trainer.score({ ...batch, policyVersion: -1 }));
  assert.ok(scored.some((value) => Math.abs(value) > 0.05));
  assert.ok(late.valueClipFraction! > 0, "the limit holds somewhere");
  await trainer.close();
});

test("a return that does not vary explains nothing", () => {
  assert.equal(explainedVariance([0.1, 0.4], [1, 1]), 0);
  near(explainedVariance([1, 2, 3], [1, 2, 3]), 1, 0, "all of it");
  near(explainedVariance([0, 0, 0], [1, 2, 3]), 0, 1e-12, "none of it");
});

test("a KL penalty in the reward falls on its tokens, and GAE with gamma and lambda looks through the critic", async () => {
  const settings = { klCoef: 0.3, klForm: "k1", klIn: "reward", gamma: 0.95, gaeLambda: 0.8 } as const;
  const trainer = await make({ ...settings, learningRate: 3e-3, criticLearningRate: 3e-3 });
  for (let step = 0; step < 2; step++) await trainer.trainStep();
  const batch = await trainer.collect();
  const { returns } = trainer.advantages(batch);
  const penalties: number[] = [];
  batch.rollouts.forEach((rollout, i) => {
    const { trajectory, refLogprobs, values, reward } = rollout;
    const tokens = trained(rollout);
    const rewardAt = tokens.map((token) => -0.3 * (trajectory.logprobs[token]! - refLogprobs![token]!));
    penalties.push(...rewardAt);
    rewardAt[tokens.length - 1]! += reward.reward;
    const value = (t: number) => (t < tokens.length ? values![tokens[t]!]! : 0);
    // The sum of discounted errors, written out.
    tokens.forEach((_, t) => {
      let advantage = 0;
      for (let k = t; k < tokens.length; k++)
        advantage += (0.95 * 0.8) ** (k - t) * (rewardAt[k]! + 0.95 * value(k + 1) - value(k));
      near(returns![i]![t]!, advantage + value(t), 1e-6, `return of token ${t}`);
    });
  });
  assert.ok(Math.max(...penalties.map(Math.abs)) > 1e-3, "the policy has left its reference");
  await trainer.close();
});

test("what a tool wrote changes no advantage: the tokens between two of the policy's are no steps of their own", async () => {
  const trainer = await make({ gamma: 0.9, gaeLambda: 0.7 });
  const { tokenizer } = trainer.policy;
  const [before, after] = ["Let me see.\n```python\nprint(1+1)\n```\n", "So \\boxed{2}"];
  const whole = sketch(tokenizer, { text: before + after, reward: 1 });
  const other = sketch(tokenizer, { text: "It is 3", reward: -1, group: 1 });
  const longer = { ...whole, trajectory: whole.trajectory.fork(whole.trajectory.toolCalls[0]!.start) };
  longer.trajectory.acceptToolOutput(whole.trajectory.toolCalls[0]!.result, "22222 and some more text", true);
  for (const id of whole.trajectory.ids.slice(whole.trajectory.toolCalls[0]!.end))
    longer.trajectory.acceptSampled(id, -0.5, 0.7);
  assert.equal(longer.trajectory.sampledCount, whole.trajectory.sampledCount);
  assert.ok(longer.trajectory.length > whole.trajectory.length);
  /** The same values before the same trained tokens, and nonsense everywhere else. */
  const valued = (rollout: ScoredRollout, nonsense: number): ScoredRollout => {
    const values = new Float32Array(rollout.trajectory.length).fill(nonsense);
    trained(rollout).forEach((token, t) => {
      values[token] = Math.sin(t);
    });
    return { ...rollout, values };
  };
  const advantages = (rollout: ScoredRollout, nonsense: number) =>
    trainer.advantages({
      step: 0,
      policyVersion: -1,
      maxToolCalls: 3,
      dropped: 0,
      rollouts: [valued(rollout, nonsense), valued(other, nonsense)],
    });
  assert.deepEqual(advantages(longer, 50), advantages(whole, -7));
});

const criticOf = async (trainer: Trainer): Promise<CriticState> => {
  const { critic } = await trainer.checkpoint();
  assert.ok(critic, "there is a critic");
  return critic;
};

test("in the warm-up only the critic learns; a guard's refusal and what is not finite leave it as it was", async () => {
  const trainer = await make({ criticWarmup: 1 });
  const start = await trainer.policy.weights();
  const { metrics, alerts } = await trainer.trainStep();
  same(await trainer.policy.weights(), start, "the policy stays in the warm-up");
  assert.deepEqual([metrics.learningRate, metrics.skipped], [0, 0]);
  assert.ok(metrics.gradNorm > 0 && !alerts.some(({ metric }) => metric === "skipped"));
  const warm = await criticOf(trainer);
  assert.ok(warm.weights["score.weight"]!.some((value) => value !== 0));
  assert.equal(warm.optimizer.updates, 2);
  assert.equal((await trainer.checkpoint()).optimizer.updates, 0);

  await trainer.trainStep();
  assert.notDeepEqual(await trainer.policy.weights(), start);

  const refusing = [{ metric: "reward", below: 1e3, action: "skip" }] as const;
  const before = await criticOf(trainer);
  trainer.configure({ guards: [...refusing] });
  const refused = await trainer.trainStep();
  assert.equal(refused.metrics.criticSkipped, 2);
  same(await criticOf(trainer), before, "a refused step changes no critic");

  // Finite rewards whose squares are not, in the critic's single precision.
  trainer.configure({ guards: [], filters: [] });
  const batch = await trainer.collect();
  const huge = batch.rollouts.map((one, i) => ({ ...one, reward: { ...one.reward, reward: i % 2 ? 1e30 : -1e30 } }));
  const advantagesOfHuge = trainer.advantages({ ...batch, rollouts: huge });
  const update = await trainer.update({ ...batch, rollouts: huge }, advantagesOfHuge);
  assert.ok(!Number.isFinite(update.criticGradNorm) && update.criticSkipped === 2);
  const half = { ...batch, rollouts: huge.map((one, i) => (i === 4 ? one : batch.rollouts[i]!)) };
  assert.deepEqual(culprits("criticGradNorm", true, half, trainer.advantages(half))[0], { group: 1, sample: 1 });
  same(await criticOf(trainer), before, "nor does what is not finite");

  // A return that is no number is refused before anything is changed.
  const advantages = trainer.advantages(batch);
  const returns = advantages.returns!.map((row) => row.map(() => Number.NaN));
  const weights = await trainer.policy.weights();
  await assert.rejects(trainer.update({ ...batch, policyVersion: -1 }, { ...advantages, returns }), (error) => {
    assert.ok(
      error instanceof InvalidInputError && /a return of rollout 0\/0 is not a finite number/.test(error.message),
    );
    return true;
  });
  same(await trainer.policy.weights(), weights, "nothing was trained");
  await trainer.close();
});

test("a guard that goes back takes the critic along", async () => {
  const trainer = await make({
    learningRate: [
      [0, 1e-3],
      [2, 1],
    ],
    guards: [{ metric: "kl", above: 0.5, action: "rollback" }],
  });
  await trainer.trainStep();
  await trainer.trainStep();
  const good = await trainer.checkpoint();
  const { alerts } = await trainer.trainStep();
  assert.ok(alerts.some(({ action }) => action === "rollback"));
  const back = await trainer.checkpoint();
  same(back.critic, good.critic, "the critic went back");
  same(back.weights, good.weights, "the policy went back");
  // What the guard may go back to is in the checkpoint's files too, and a file that is missing is named.
  same(back.guards?.lastGood?.critic, good.critic, "the goal holds the critic");
  const files = await checkpointFiles(trainer.policy, back);
  const bytes = Object.fromEntries(Object.entries(files).map(([name, data]) => [name, Uint8Array.from(bytesOf(data))]));
  const read = readCheckpointFiles(trainer.policy, bytes, "here");
  same([read.critic, read.guards], [back.critic, back.guards], "files hold the critic and the goal");
  const { "critic.safetensors": _, ...without } = bytes;
  assert.throws(
    () => readCheckpointFiles(trainer.policy, without, "here"),
    (error) => error instanceof CheckpointError && /here has no critic\.safetensors/.test(error.message),
  );
  await trainer.close();
});

const turns = rewards.executedTurns({
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
});

test("TAPO: a resumed run, a fork and a replay have the same critic to the last bit", async () => {
  const record = await runsFolder();
  const settings = { advantageEstimator: "tapo", reward: turns } as const;
  const trainer = await make(settings);
  for await (const { metrics } of trainer.train(4, { record })) assert.ok(metrics.valueLoss! >= 0);
  const end = await trainer.checkpoint();
  assert.equal(end.critic!.optimizer.updates, 8);
  const { folder } = await trainer.openRun(record);

  const records = await readRolloutRecords(await Run.open(folder), 1);
  for (const { reward, trajectory } of records)
    assert.ok(reward.turnRewards!.length >= 1 && reward.turnRewards!.length <= trajectory.toolCalls.length + 1);

  const resumed = await Trainer.resume(folder, { interpreter, reward: turns, step: 2 });
  assert.notDeepEqual((await resumed.checkpoint()).critic, end.critic);
  await resumed.train(2).done();
  same(await resumed.checkpoint(), end, "resumed as never stopped");

  const fork = await trainer.fork({ step: 3, record: false });
  await fork.trainStep();
  same((await fork.checkpoint()).critic, end.critic, "the fork goes on identically");

  const replay = await trainer.replay(4);
  assert.deepEqual(replay.differences, []);
  assert.deepEqual(replay.rescored, []);
  same(replay.weights, await trainer.policy.weights(), "the replay ends at the same weights");

  await trainer.rewind(1);
  assert.equal((await criticOf(trainer)).optimizer.updates, 2);
  await trainer.rewind(4);
  same(await trainer.checkpoint(), end, "rewound and trained again");
  for (const one of [trainer, resumed, fork]) await one.close();
});

test("TAPO credits turns that were scored, and says what to do where a reward gives none", async () => {
  const trainer = await make({ advantageEstimator: "tapo", reward: rewards.executedTurns(rewards.boxedAnswer()) });
  const block = "```python\nprint(1+1)\n```\n";
  const sketched = sketchBatch(trainer.policy.tokenizer, [
    { text: `Try.\n${block}So \\boxed{2}` },
    { text: `Try.\n${block}So \\boxed{3}`, status: "error" },
    { text: "It is \\boxed{2}" },
  ]);
  const batch = await trainer.score({ ...sketched, policyVersion: -1 });
  assert.deepEqual(
    batch.rollouts.map(({ reward }) => reward.turnRewards!.map(({ kind, reward }) => `${kind} ${reward}`)),
    [["verification 0.5", "generation 0"], ["verification 0", "generation 0"], ["generation 0"]],
  );
  const { returns } = trainer.advantages(batch);
  assert.deepEqual(
    returns!.map((row) => [row[0], row.at(-1)]),
    [
      [1.5, 1],
      [-1, -1],
      [1, 1],
    ],
  );
  const update = await trainer.update(batch, trainer.advantages(batch));
  assert.ok(update.valueLoss! > 0 && update.criticSkipped === 0);

  const refuses = (batch: Batch, pattern: RegExp) =>
    assert.throws(
      () => trainer.advantages(batch),
      (error) => {
        assert.ok(error instanceof InvalidInputError);
        assert.match(`${error.message} ${error.hint}`, pattern);
        return true;
      },
    );
  const strip = ({ reward: { turnRewards: _, ...reward }, ...rollout }: ScoredRollout) => ({ ...rollout, reward });
  refuses(
    { ...batch, rollouts: batch.rollouts.map(strip) },
    /tapo needs rewards of turns.*executedTurns.*or choose gae/,
  );
  refuses({ ...batch, rollouts: batch.rollouts.with(1, strip(batch.rollouts[1]!)) }, /Rollout 0\/1 .* no turnRewards/);
  refuses(
    { ...batch, rollouts: batch.rollouts.map(({ values: _, ...one }) => one) },
    /tapo needs a critic's values.*trainer\.score\(batch\)/,
  );
  await trainer.close();
});

test("rewards of turns are one finite number for each turn", async () => {
  const tokenizer = tinyMathTokenizer();
  const text = "a\n```python\n1\n```\nb";
  const [whole, cut] = [sketch(tokenizer, { text }), sketch(tokenizer, { text, maxLength: 14 })];
  const scored = (turnRewards: unknown) => {
    const own = { name: "own", score: () => ({ reward: 1, correct: true, detail: {}, turnRewards }) } as Reward;
    return scoreRollout(own, whole, 0);
  };
  const fine = { kind: "generation", reward: 1 };
  assert.equal((await scored([fine, fine])).turnRewards!.length, 2);
  await assert.rejects(scored([fine]), /"own" gives 1 turn rewards for a response of 2 turns/);
  await assert.rejects(scored([fine, { ...fine, reward: Number.NaN }]), /gives turn 1 .*NaN/);
  await assert.rejects(scored([fine, { ...fine, kind: "thought" }]), /gives turn 1 .*thought/);

  const checking = reward("outcome and assertions", ({ task, text, turns = [] }) => {
    const correct = text.includes(`\\boxed{${task.answer}}`);
    const turnRewards = turns.map(({ text, execution }) =>
      execution
        ? { kind: "verification" as const, reward: text.includes("assert") && execution.status === "ok" ? 1 : 0 }
        : { kind: "generation" as const, reward: 0 },
    );
    return { reward: correct ? 1 : -1, correct, turnRewards };
  });
  const asserted = sketch(tokenizer, { text: "a\n```python\nassert 2==1+1\n```\n\\boxed{2}" });
  assert.deepEqual(await scoreRollout(checking, asserted, 0), {
    reward: 1,
    correct: true,
    detail: {},
    turnRewards: [
      { kind: "verification", reward: 1 },
      { kind: "generation", reward: 0 },
    ],
  });

  // A sum adds what its terms give turns; a rollout that ends with a tool's output has no turn after it.
  const sum = rewards.sum([rewards.boxedAnswer(), [2, rewards.executedTurns(rewards.boxedAnswer(), { ok: 0.25 })]]);
  assert.equal(cut.trajectory.toolCalls[0]?.end, cut.trajectory.length);
  const [verification, generation] = [
    { kind: "verification", reward: 0.5 },
    { kind: "generation", reward: 0 },
  ];
  assert.deepEqual((await scoreRollout(sum, cut, 0)).turnRewards, [verification]);
  assert.deepEqual((await scoreRollout(sum, whole, 0)).turnRewards, [verification, generation]);
});

test("a critic is there only where an estimator needs one, and a copy of the policy when it is first needed", async () => {
  const trainer = await make({ advantageEstimator: "reinforce++" });
  const { metrics } = await trainer.trainStep();
  assert.ok(!("valueLoss" in metrics) && !(await trainer.checkpoint()).critic);
  const batch = await trainer.collect();
  trainer.configure({ advantageEstimator: "gae" });
  assert.throws(() => trainer.advantages(batch), /gae needs a critic's values/);
  const scored = await trainer.score(batch);
  const { weights } = await criticOf(trainer);
  const policy = await trainer.policy.weights();
  for (const { name } of parameterSpecs(trainer.policy.config)) assert.deepEqual(weights[name], policy[name]);
  assert.ok((await trainer.update(scored, trainer.advantages(scored))).valueLoss! > 0);
  await trainer.close();
});
