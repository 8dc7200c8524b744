import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { maximum, mul, neg } from "../../src/graph/index.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import type { Part } from "../../src/parts/index.ts";
import { reward } from "../../src/reward/index.ts";
import { taskFamily } from "../../src/rollout/tasks/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { estimator } from "../../src/training/parts/own-estimator.ts";
import { filter } from "../../src/training/parts/own-filter.ts";
import { guard } from "../../src/training/parts/own-guard.ts";
import { objective } from "../../src/training/parts/own-objective.ts";
import { schedule } from "../../src/training/parts/own-schedule.ts";
import { repeatRun } from "../../src/training/repeat.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

// All that steps carry from one to the next, at once: a run must still be made again bit for bit.

const interpreter = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => interpreter.close());

/** Code of the user's own in every place where it may stand; the estimator works with a critic. */
const own = {
  reward: reward("parity", ({ text, step = 0 }) => ({
    reward: (text.length % 2 ? 1 : -1) * (step > 2 ? 0.5 : 1),
    correct: text.length % 3 === 0,
  })),
  taskset: taskFamily("sums", (random) => {
    const [a, b] = [random.integer(10, 99), random.integer(10, 99)];
    return { prompt: `${a}+${b}=?`, answer: String(a + b) };
  }),
  advantageEstimator: estimator(
    "above-value",
    ({ rewards, values, trainedCounts }) => ({
      perRollout: Float64Array.from(rewards),
      perToken: trainedCounts.map((count, i) =>
        Float64Array.from({ length: count }, (_, t) => rewards[i]! - values![i]![t]!),
      ),
      returns: trainedCounts.map((count, i) => new Float64Array(count).fill(rewards[i]!)),
    }),
    { needs: ["trainedCounts", "values"] },
  ),
  policyLoss: objective("pessimist", ({ ratio, advantages, setting }) =>
    maximum(neg(mul(ratio, advantages)), neg(mul(setting("clipRatioDual"), ratio))),
  ),
  maxToolCalls: schedule("one-more", (step) => 1 + (step > 1 ? 1 : 0)),
} as const;
const first = filter("first", ({ sample }) => (sample === 0 ? { penalty: -0.25 } : undefined));
const many = guard("many", ({ batch }) => batch.rollouts.length, { above: 1e9 });
const parts: Part[] = [...Object.values(own), first, many];

const settings: Partial<TrainerOptions> = {
  ...own,
  interpreter,
  maxLength: 64,
  warmupSteps: 2,
  statefulCode: true,
  filters: [{ name: "zeroVariance", maxRefills: 2 }, first],
  guards: [
    many,
    { metric: "gradNorm", zScore: 0.5, window: 2, action: "skip" },
    { metric: "entropy", above: 4.9, action: "rollback", patience: 2 },
  ],
  klCoef: { adaptive: { initial: 0.1, target: 0.001, horizon: 100 } },
  entropyCoef: { values: [0, 0.01, 0.02], when: { metric: "reward", above: -5, for: 2 } },
  learningRate: { values: [1e-3, 5e-4], when: { metric: "gradNorm", above: 0, minSteps: 3 } },
};

const variants: Readonly<Record<string, Partial<TrainerOptions>>> = {
  "a reference that follows, KL in the loss": { reference: { ema: 0.7 } },
  "a reference that is reset with the optimizer, KL in the reward, truncated importance sampling": {
    reference: { reset: { onPlateau: { metric: "reward", patience: 2 } } },
    klIn: "reward",
    importanceCap: 2,
  },
};

describe("a run with all that steps carry along", () => {
  for (const [name, variant] of Object.entries(variants))
    test(name, async () => {
      const record = await runsFolder();
      const trainer = await smallTrainer({ ...settings, ...variant });
      const run = trainer.start(6, { record });
      await run.step(2);
      const { rollouts } = await run.hold();
      const { group, sample, trajectory } = rollouts[0]!;
      const text = "Use code:\n```python\nvar x = 4;\nconsole.log(x)\n```";
      await run.intervene({ group, sample, edit: { kind: "write", token: trajectory.promptLength, text } });
      await run.step();
      await run.set({ clipRatioDual: 4 });
      await run.resume();
      await run.done;
      const wanted = { ...(await trainer.checkpoint()), policyVersion: 0 };
      const { folder } = await trainer.openRun(record);
      const events = await (await trainer.openRun(record)).events();
      const kinds = new Set(events.map(({ type }) => type));
      for (const kind of ["alert", "course", "held", "intervention", "config"] as const)
        assert.ok(kinds.has(kind), kind);
      await trainer.close();

      const checkpoints = join(folder, "checkpoints");
      for (const step of (await readdir(checkpoints)).sort().slice(1))
        await rm(join(checkpoints, step), { recursive: true });
      const again = await Trainer.resume(folder, { interpreter, parts });
      const stateOf = async (one: Trainer) => ({ ...(await one.checkpoint()), policyVersion: 0 });
      assert.deepEqual(await stateOf(again), wanted, "resumed from the beginning");
      for (const step of [2, 3, 5]) {
        const { rescored, remarked, differences, alerts } = await again.replay(step);
        assert.deepEqual([rescored, remarked, differences, alerts], [[], [], [], []], `step ${step} replayed`);
      }
      const fork = await again.fork({ step: 4, record: false });
      await fork.train(2, { record: false }).done();
      assert.deepEqual(await stateOf(fork), wanted, "a fork goes on as its parent did");
      await again.rewind(1);
      await again.rewind(6);
      assert.deepEqual(await stateOf(again), wanted, "back and forth");
      const create = (given: TrainerOptions, then: object) => new Trainer({ ...then, ...given });
      const repetition = await repeatRun(folder, create as never, { interpreter, parts, folder: await runsFolder() });
      assert.deepEqual([repetition.metrics, repetition.steps], [[], 6]);
      await Promise.all([again.close(), fork.close()]);
    });
});
