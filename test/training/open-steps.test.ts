import assert from "node:assert/strict";
import { after, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { metricGlossary } from "../../src/training/metric-glossary.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { Trainer } from "../../src/training/trainer.ts";

const lab = new Lab({ seed: 11, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ isolation: "pooled" });
const base = await Policy.create("tiny-math", { lab });
after(() => python.close());

const byLength: Reward = {
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};

async function make(settings: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const small = { ...recipes.cir(), promptsPerStep: 2, numGenerations: 4, miniBatches: 1, maxLength: 48 };
  const taskset = tasks.arithmetic({ families: ["algebra"] });
  const policy = await base.clone();
  return new Trainer({ ...small, lab, policy, interpreter: python, taskset, reward: byLength, ...settings });
}

test("the parts of a gradient add up to what the update sees, for every policy loss that is a mean over rollouts", async () => {
  for (const policyLoss of ["ppo-clip", "gspo", "policy-gradient"] as const) {
    const trainer = await make({ policyLoss, lossAggregation: "seq-mean-token-mean" });
    const batch = await trainer.collect();
    const advantages = trainer.advantages(batch);
    const before = await trainer.policy.weights();
    const { gradNorm, rollouts } = await trainer.influence(batch, advantages);
    assert.deepEqual(await trainer.policy.weights(), before, "looking changes nothing");
    const total = rollouts.reduce((sum, { share }) => sum + share, 0);
    assert.ok(Math.abs(total - 1) < 1e-6, `shares add up to ${total}`);
    const update = await trainer.update(batch, advantages);
    assert.ok(Math.abs(update.gradNorm / gradNorm - 1) < 1e-3, `${policyLoss}: ${update.gradNorm} is not ${gradNorm}`);
  }
});

test("a rollout without advantage has no influence; a chosen one is the same alone", async () => {
  const trainer = await make();
  const batch = await trainer.collect();
  const advantages = trainer.advantages(batch);
  const edited = { ...advantages, perRollout: advantages.perRollout.with(3, 0) };
  const all = await trainer.influence(batch, edited);
  assert.equal(all.rollouts.find(({ rollout }) => rollout === 3)!.gradNorm, 0);
  const one = await trainer.influence(batch, edited, { rollouts: [1] });
  assert.equal(one.rollouts.length, 1);
  assert.equal(one.rollouts[0]!.gradNorm, all.rollouts.find(({ rollout }) => rollout === 1)!.gradNorm);
  assert.ok(Math.abs(one.rollouts[0]!.cosine - 1) < 1e-6);
});

test("every metric of a step is explained, with its last value; an unknown one names its neighbours", async () => {
  const trainer = await make();
  assert.equal(trainer.explain("entropy").value, undefined);
  const { metrics } = await trainer.trainStep();
  for (const metric of Object.keys(metrics)) {
    const explanation = trainer.explain(metric);
    assert.equal(explanation.value, metrics[metric as keyof typeof metrics]);
    assert.ok(explanation.meaning && explanation.expected && explanation.advice);
  }
  assert.ok("refKl" in metricGlossary);
  const shown = (trainer.explain("clipFraction") as unknown as Record<symbol, () => Record<string, string>>)[
    displaySymbol
  ]!();
  assert.match(shown["text/plain"]!, /clipRatioHigh/);
  assert.throws(
    () => trainer.explain("clipfractions"),
    (error) => error instanceof InvalidInputError && /clipFraction/.test(error.hint ?? ""),
  );
});
