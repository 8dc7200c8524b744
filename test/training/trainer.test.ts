import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InfrastructureError, InvalidInputError, InvariantError } from "../../src/base/errors.ts";
import { bytesOf } from "../../src/base/files.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import { Run } from "../../src/recording/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { checkpointFiles, readCheckpointFiles } from "../../src/training/checkpoint-files.ts";
import { configAt } from "../../src/training/config.ts";
import { type PolicyLossName, policyLosses } from "../../src/training/objectives/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { sft } from "../../src/training/sft.ts";
import { Trainer } from "../../src/training/trainer.ts";

const lab = new Lab({ seed: 7, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ isolation: "pooled" });
const base = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra", "chain1"] });
await sft({ lab, policy: base, interpreter: python, taskset, steps: 60, pretraining: 1 });
after(() => python.close());

/** A policy this young gets nothing right; lengths differ, so there is something to learn. */
const byLength: Reward = {
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};

async function make(settings: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const policy = await base.clone();
  const small = { ...recipes.cir(), promptsPerStep: 4, numGenerations: 4, maxLength: 64 };
  return new Trainer({ ...small, lab, policy, interpreter: python, taskset, reward: byLength, ...settings });
}

test("before the first update every ratio is 1, and the loss is the formula's", async () => {
  const trainer = await make();
  const batch = await trainer.collect();
  const advantages = trainer.advantages(batch);
  const before = await trainer.objective(batch, advantages);
  assert.equal(
    before.tokens.length,
    batch.rollouts.reduce((sum, { trajectory }) => sum + trajectory.sampledCount, 0),
  );
  for (const token of before.tokens) {
    assert.ok(Math.abs(token.ratio - 1) < 1e-4, `${token.text} has ratio ${token.ratio}`);
    assert.equal(token.source, "sampled");
  }
  const update = await trainer.update(batch, advantages);
  assert.ok(update.ratioDeviation < 1e-4);
  assert.equal(update.tokens, before.tokens.length);

  // The batch is now off-policy: recompute each term from its ratio by the published formula.
  const { clipRatioLow, clipRatioHigh, clipRatioDual } = configAt(trainer.config, 0);
  const now = await trainer.objective(batch, advantages);
  let sum = 0;
  for (const { ratio, advantage, lossTerm } of now.tokens) {
    const clipped = Math.min(Math.max(ratio, 1 - clipRatioLow), 1 + clipRatioHigh);
    let term = Math.max(-advantage * ratio, -advantage * clipped);
    if (advantage < 0) term = Math.min(term, -advantage * clipRatioDual);
    assert.ok(Math.abs(term - lossTerm) < 1e-5 * Math.max(1, Math.abs(term)), `${term} is not ${lossTerm}`);
    sum += term;
  }
  assert.ok(Math.abs(sum / now.tokens.length - now.loss) < 1e-4);
  assert.ok(
    now.tokens.some(({ ratio }) => Math.abs(ratio - 1) > 1e-3),
    "the update changed the policy",
  );
  assert.ok(now.loss < before.loss, `${now.loss} is not below ${before.loss}`);
});

test("every clip limit is obeyed when the ratio is far away", async () => {
  const trainer = await make();
  const batch = await trainer.collect();
  const advantages = trainer.advantages(batch);
  // As if the rollouts had been much less, or much more, likely when they were sampled.
  for (const shift of [-1.5, 1.5]) {
    for (const { trajectory } of batch.rollouts)
      trajectory.logprobs.forEach((logprob, i) => {
        if (logprob !== null) trajectory.logprobs[i] = logprob + shift;
      });
    const { tokens } = await trainer.objective(batch, advantages);
    for (const { ratio, advantage, lossTerm } of tokens) {
      const size = Math.abs(advantage);
      if (advantage > 0) assert.ok(-lossTerm <= 1.28 * size + 1e-5, `ratio ${ratio} earns ${-lossTerm}`);
      if (advantage < 0) {
        assert.ok(lossTerm >= 0.8 * size - 1e-5, `ratio ${ratio} costs ${lossTerm}`);
        assert.ok(lossTerm <= 3 * size + 1e-5, `ratio ${ratio} costs ${lossTerm}`);
      }
    }
    for (const { trajectory } of batch.rollouts)
      trajectory.logprobs.forEach((logprob, i) => {
        if (logprob !== null) trajectory.logprobs[i] = logprob - shift;
      });
  }
});

test("same seed, same weights, bit for bit; another seed differs", async () => {
  const [first, second] = [await make(), await make()];
  for (const trainer of [first, second]) for (let i = 0; i < 2; i++) await trainer.trainStep();
  assert.deepEqual(await second.policy.weights(), await first.policy.weights());
  const other = await make({ lab: new Lab({ seed: 8, device: "cpu", threads: 2 }) });
  for (let i = 0; i < 2; i++) await other.trainStep();
  assert.notDeepEqual(await other.policy.weights(), await first.policy.weights());
});

test("a run resumed from its checkpoint files equals the uninterrupted run", async () => {
  const whole = await make();
  await whole.trainStep();
  const saved = await checkpointFiles(whole.policy, await whole.checkpoint());
  await whole.trainStep();

  const resumed = await make();
  await resumed.trainStep(); // has moments and weights of its own, which the checkpoint must replace
  const bytes = Object.fromEntries(Object.entries(saved).map(([name, data]) => [name, Uint8Array.from(bytesOf(data))]));
  await resumed.restore(readCheckpointFiles(resumed.policy, bytes, "checkpoint"));
  assert.equal(resumed.step, 1);
  await resumed.trainStep();
  assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());

  const { "optimizer.safetensors": _, ...incomplete } = bytes;
  assert.throws(() => readCheckpointFiles(resumed.policy, incomplete, "checkpoint"), /no optimizer\.safetensors/);
});

test("train records its steps, stops when the loop does, goes on, and rewinds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-runs-"));
  const trainer = await make({ checkpointEvery: 1 });
  for await (const step of trainer.train(5, { record: folder })) {
    assert.ok(step.metrics.gradNorm > 0);
    if (step.step === 2) break;
  }
  assert.equal(trainer.step, 2);
  const atTwo = await trainer.policy.weights();
  await trainer.train(1, { record: folder }).done();
  assert.equal(trainer.step, 3);
  await trainer.rewind(2);
  assert.equal(trainer.step, 2);
  assert.deepEqual(await trainer.policy.weights(), atTwo);
  await assert.rejects(trainer.rewind(9), /no way back to step 9.*1, 2, 3/);

  const run = await Run.open((await trainer.openRun(folder)).folder);
  const events = await run.events();
  assert.deepEqual(
    events.filter((event) => event.type === "step").map((event) => event.step),
    [1, 2, 3],
  );
  assert.deepEqual(
    events.filter((event) => event.type === "run-finished").map((event) => event.reason),
    ["stopped", "completed"],
  );
  assert.deepEqual(await run.rolloutSteps(), [1, 2, 3]);
});

test("masks: tool tokens enter the loss only when asked to", async () => {
  const masked = await make({ promptsPerStep: 8 });
  const batch = await masked.collect();
  const advantages = masked.advantages(batch);
  const toolTokens = batch.rollouts.reduce(
    (sum, { trajectory }) => sum + trajectory.toolCalls.reduce((n, call) => n + call.end - call.start, 0),
    0,
  );
  assert.ok(toolTokens > 0, "no rollout called the tool");
  const unmasked = await make({ promptsPerStep: 8, maskToolTokens: false });
  const without = await masked.objective(batch, advantages);
  const withTools = await unmasked.objective(batch, advantages);
  assert.ok(without.tokens.every(({ source }) => source === "sampled"));
  const trained = withTools.tokens.filter(({ source }) => source === "tool").length;
  assert.ok(trained > 0 && trained <= toolTokens);
});

test("a batch of other weights is refused before anything is trained on it as on-policy", async () => {
  const trainer = await make();
  const batch = await trainer.collect();
  const advantages = trainer.advantages(batch);
  const version = trainer.policy.version;
  const other = Object.fromEntries(
    Object.entries(await trainer.policy.weights()).map(([name, data]) => [name, data.map((value) => value * 1.01)]),
  );
  await trainer.policy.setWeights(other, version);
  const before = await trainer.policy.weights();
  await assert.rejects(trainer.update(batch, advantages), InvariantError);
  assert.deepEqual(await trainer.policy.weights(), before);
});

test("bad settings are refused by name and value, and nothing changes", async () => {
  const refuses = (settings: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(make(settings as Partial<TrainerOptions>), (error) => {
      assert.ok(error instanceof InvalidInputError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses({ clipRatioLow: -0.2 }, /clipRatioLow.*-0\.2/);
  await refuses({ clipRatio: 0.2 }, /clipRatio/);
  await refuses({ promptsPerStep: 5 }, /promptsPerStep \(5\).*miniBatches \(2\)/);
  await refuses({ maxLength: 1000 }, /maxLength \(1000\).*96/);
  await refuses({ advantageEstimator: "gro" }, /advantageEstimator/);
  const trainer = await make();
  assert.throws(() => {
    trainer.config.clipRatioHigh = -1;
  }, /clipRatioHigh.*-1/);
  assert.equal(trainer.config.clipRatioHigh, 0.28);
  trainer.config.clipRatioHigh = 0.4;
  assert.equal(trainer.config.clipRatioHigh, 0.4);
  assert.throws(() => trainer.train(0), /at least 1, was 0/);
});

test("the recipe says where it leaves its paper, and a change by hand shows", async () => {
  const trainer = await make();
  const { differences } = trainer.diff("arXiv:2505.24480");
  const named = (setting: string) => differences.find((difference) => difference.setting === setting);
  assert.equal(named("numGenerations")!.paper, 16);
  assert.equal(named("clipRatioHigh"), undefined);
  trainer.config.clipRatioHigh = 0.2;
  const changed = trainer.diff("arXiv:2505.24480").differences.find(({ setting }) => setting === "clipRatioHigh");
  assert.deepEqual(changed, { setting: "clipRatioHigh", paper: 0.28, ours: 0.2, why: "changed by hand" });
  assert.throws(() => trainer.diff("arXiv:1"), /"arXiv:1".*arXiv:2505\.24480/);
});

test("a reference policy: KL is 0 at first, grows, is resumed from a checkpoint, and can enter the reward", async () => {
  const settings = { klCoef: 0.1, learningRate: 2e-3, warmupSteps: 0 } as const;
  const whole = await make(settings);
  const first = await whole.collect();
  for (const { trajectory, refLogprobs } of first.rollouts)
    trajectory.logprobs.forEach((logprob, i) => {
      if (logprob !== null && i >= trajectory.promptLength)
        assert.ok(Math.abs(logprob - refLogprobs![i]!) < 1e-4, `token ${i}: ${logprob} and ${refLogprobs![i]}`);
    });
  await whole.trainStep();
  const saved = await checkpointFiles(whole.policy, await whole.checkpoint());
  const { metrics } = await whole.trainStep();
  assert.ok(metrics.refKl! > 1e-6, `KL to the reference is ${metrics.refKl}`);

  const resumed = await make(settings);
  const bytes = Object.fromEntries(Object.entries(saved).map(([name, data]) => [name, Uint8Array.from(bytesOf(data))]));
  await resumed.restore(readCheckpointFiles(resumed.policy, bytes, "checkpoint"));
  await resumed.trainStep();
  assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());

  const batch = await whole.collect();
  const inReward = await make({ ...settings, klIn: "reward", advantageEstimator: "reinforce" });
  const plain = batch.rollouts.map(({ reward }) => reward.reward);
  const penalised = inReward.advantages(batch).perRollout;
  assert.ok(penalised.some((value, i) => value < plain[i]! - 1e-6));
  const perToken = (await make({ ...settings, klIn: "reward", advantageEstimator: "reinforce++" })).advantages(batch);
  assert.equal(perToken.perToken!.length, batch.rollouts.length);
  assert.ok(perToken.perToken!.some((row) => new Set(row).size > 2));
});

test("every policy loss trains: finite, on-policy at first, and a step changes the policy", async () => {
  const before = await base.weights();
  for (const policyLoss of Object.keys(policyLosses) as PolicyLossName[]) {
    const trainer = await make({ policyLoss, lossAggregation: "seq-mean-token-mean", entropyCoef: 0.001 });
    const { metrics } = await trainer.trainStep();
    assert.ok(Number.isFinite(metrics.loss) && metrics.gradNorm > 0 && metrics.skipped === 0, policyLoss);
    assert.notDeepEqual(await trainer.policy.weights(), before, policyLoss);
  }
});

test("ReMax compares each prompt's rollouts with its greedy one", async () => {
  const trainer = await make({ advantageEstimator: "remax" });
  const batch = await trainer.collect();
  assert.equal(batch.greedy!.length, 4);
  const advantages = trainer.advantages(batch);
  batch.rollouts.forEach(({ reward, group }, i) => {
    const greedy = batch.greedy!.find((rollout) => rollout.group === group)!;
    assert.equal(advantages.perRollout[i], reward.reward - greedy.reward.reward);
  });
});

test("groups of one fit estimators that need no group, and are refused by the others at the door", async () => {
  await assert.rejects(make({ numGenerations: 1 }), /numGenerations must be at least 2, was 1/);
  const trainer = await make({ numGenerations: 1, advantageEstimator: "reinforce" });
  assert.equal((await trainer.collect()).rollouts.length, 4);
});

test("a judge that fails for reasons of infrastructure costs its rollout, never a reward; too many stop the step", async () => {
  let calls = 0;
  const shaky: Reward = {
    name: "shaky",
    score(input) {
      if (calls++ % 16 === 5) throw new InfrastructureError("the judge's process died");
      return byLength.score(input);
    },
  };
  const trainer = await make({ reward: shaky, maxInfrastructureRate: 0.1 });
  const batch = await trainer.collect();
  assert.equal(batch.rollouts.length, 15);
  assert.equal(batch.dropped, 1);
  assert.equal((await trainer.trainStep()).metrics.infrastructure, 1 / 16);
  const strict = await make({ reward: shaky, maxInfrastructureRate: 0.05 });
  const before = await strict.policy.weights();
  calls = 0;
  await assert.rejects(strict.trainStep(), /1 of 16 rollouts could not be judged: the judge's process died/);
  assert.deepEqual(await strict.policy.weights(), before);
});

test("a prompt whose greedy rollout could not be judged leaves the step with ReMax, and the step goes on", async () => {
  let judged = 0;
  const away: Reward = {
    name: "away once",
    score: ({ text }) => {
      // The six rollouts of both prompts come first, then the greedy ones.
      if (++judged === 8) throw new InfrastructureError("the judge is away");
      return { reward: text.length % 2, correct: false, detail: {} };
    },
  };
  const lenient = { advantageEstimator: "remax", maxInfrastructureRate: 0.5, numGenerations: 3 } as const;
  const trainer = await make({ promptsPerStep: 2, reward: away, ...lenient });
  const { batch } = await trainer.trainStep();
  assert.deepEqual([batch.dropped, batch.rollouts.map(({ group }) => group)], [3, [0, 0, 0]]);
  judged = 0;
  trainer.config.maxInfrastructureRate = 0.4;
  await assert.rejects(trainer.trainStep(), /could not be judged: the judge is away/);
  await trainer.close();
});

test("a trainer that was closed does not train on with fresh moments, unless it goes back to a checkpoint", async () => {
  const trainer = await make();
  await trainer.trainStep();
  const checkpoint = await trainer.checkpoint();
  await trainer.trainStep();
  const weights = await trainer.policy.weights();
  await trainer.close();
  await assert.rejects(trainer.trainStep(), /closed after step 2: its optimizer's state is gone/);
  await assert.rejects(trainer.fork(), /was closed/);
  assert.deepEqual([trainer.step, await trainer.policy.weights()], [2, weights]);
  await trainer.restore(checkpoint);
  await trainer.trainStep();
  assert.deepEqual(await trainer.policy.weights(), weights);
  await trainer.close();
});

test("an interpreter whose processes keep dying raises an alert once, though no rollout is lost", async () => {
  const own = await PythonInterpreter.start({ isolation: "pooled", lanes: 1 });
  try {
    const trainer = await make({ interpreter: own });
    assert.deepEqual((await trainer.trainStep()).alerts, []);
    for (let i = 0; i < 3; i++) {
      const before = own.stats().infrastructureFailures;
      const result = own.run("import time\ntime.sleep(0.2)\nprint(1)");
      for (const pid of own.pids) process.kill(pid, "SIGKILL");
      await result;
      assert.ok(own.stats().infrastructureFailures > before);
    }
    const { alerts, metrics } = await trainer.trainStep();
    assert.equal(metrics.infrastructure, 0);
    assert.deepEqual(
      alerts.map(({ guard }) => guard),
      ["interpreter"],
    );
    assert.deepEqual((await trainer.trainStep()).alerts, []);
  } finally {
    await own.close();
  }
});
