import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { InterruptedError, InvalidInputError } from "../../src/base/errors.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { Run } from "../../src/recording/index.ts";
import { ListTaskset } from "../../src/rollout/tasks/list.ts";
import { ExpertIteration, type ExpertIterationOptions } from "../../src/training/supervised/expert-iteration.ts";
import { rejectionSampling, selectCorrect } from "../../src/training/supervised/rejection-sampling.ts";
import { SftTrainer } from "../../src/training/supervised/sft-trainer.ts";
import { sketchBatch } from "./batch-tools.ts";
import { supervisedLab as lab, smallPolicy } from "./supervised-tools.ts";
import { runsFolder } from "./time-tools.ts";

const interpreter = await Interpreter.start({ language: "javascript" });
after(() => interpreter.close());

const questions = Array.from({ length: 8 }, (_, i) => ({ prompt: `${i}+1=?`, answer: String(i + 1) }));
const taskset = new ListTaskset(
  "sums",
  questions.map((question, i) => ({ id: `sum-${i}`, family: "sums", ...question })),
);

/** A base that gives the right answer to each question about as often as the wrong one. */
const base = await smallPolicy();
const habits = questions.flatMap(({ prompt, answer }) =>
  [answer, String(9 - Number(answer))].map((said) => ({ prompt: `<C>${prompt}`, completion: `\\boxed{${said}}` })),
);
await new SftTrainer({ lab, policy: base, data: habits, learningRate: 1e-2 }).train(60, { record: false }).done();

const make = (policy: Policy, settings: Partial<ExpertIterationOptions> = {}) =>
  new ExpertIteration({
    ...{ lab, policy, interpreter, taskset, promptsPerStep: 16, numGenerations: 6, maxPerPrompt: 2, maxLength: 24 },
    ...{ epochs: 8, sft: { learningRate: 5e-3, warmupSteps: 0, batchTokens: 512 } },
    ...settings,
  });

test("two rounds on its own right answers lift a policy that is right half of the time; a resumed run equals them", async () => {
  const record = await runsFolder();
  const iteration = make(await base.clone());
  const [first, second] = (await iteration.train(2, { record }).done()).map(({ metrics }) => metrics);
  assert.ok(first!.accuracy > 0.3 && first!.accuracy < 0.7, `begins with ${first!.accuracy}`);
  assert.ok(second!.accuracy > first!.accuracy + 0.25, `${first!.accuracy}, then ${second!.accuracy}`);
  assert.ok(first!.coverage > 0.8 && first!.kept > 0 && first!.kept <= 16 && first!.loss! < 1);
  // Most right answers say the same: each counts once.
  assert.ok(first!.duplicates > first!.kept);

  for (const metric of Object.keys(second!)) assert.ok(iteration.explain(metric).meaning, metric);

  const { folder } = await iteration.openRun(record);
  const run = await Run.open(folder);
  const lines = await run.rollouts(1, z.looseObject({ kept: z.boolean() }));
  assert.equal(lines.filter(({ kept }) => kept).length, first!.kept);
  const resumed = await ExpertIteration.resume(folder, { step: 1, interpreter, taskset });
  assert.equal(resumed.step, 1);
  await resumed.train(1, { record: false }).done();
  assert.deepEqual(await resumed.policy.weights(), await iteration.policy.weights());
});

test("a round that is interrupted in its fine-tuning leaves the policy as it was", async () => {
  const controller = new AbortController();
  const own = Object.assign(new Lab({ seed: 11, device: "cpu", threads: 1 }), { signal: () => controller.signal });
  const policy = await base.clone();
  const before = await policy.weights();
  const iteration = make(policy, { lab: own, epochs: 500, from: "current" });
  const round = iteration.train(1, { record: false }).done();
  // The first update changes the version: the fine-tuning goes on.
  while (policy.version === base.version) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort();
  await assert.rejects(round, InterruptedError);
  assert.equal(iteration.step, 0);
  assert.deepEqual(await policy.weights(), before);
});

test("what is kept: right rollouts, each once, so many of a prompt; a round without any changes nothing and says so", async () => {
  const batch = sketchBatch(base.tokenizer, [
    { text: "\\boxed{2}", reward: 1 },
    { text: "\\boxed{2}", reward: 1 },
    { text: "So \\boxed{2}", reward: 1 },
    { text: "Hence \\boxed{2}", reward: 1 },
    { text: "\\boxed{3}", reward: -1 },
    { text: "\\boxed{4}", group: 1, reward: -1 },
  ]);
  const { kept, coverage, duplicates, surplus } = selectCorrect(batch, 2);
  assert.deepEqual(
    kept.map(({ sample }) => sample),
    [0, 2],
  );
  assert.deepEqual({ coverage, duplicates, surplus }, { coverage: 0.5, duplicates: 1, surplus: 1 });

  const never = { name: "never", score: () => ({ reward: -1, correct: false, detail: {} }) };
  const policy = await base.clone();
  const before = await policy.weights();
  const round = await make(policy, { reward: never }).trainStep();
  assert.deepEqual(
    [round.metrics.kept, round.metrics.loss, round.alerts[0]?.guard, round.step],
    [0, undefined, "kept", 1],
  );
  assert.deepEqual(await policy.weights(), before);
  const selection = await rejectionSampling({ lab, policy, interpreter, taskset, promptsPerStep: 4, maxLength: 24 });
  assert.ok(selection.kept.every(({ reward }) => reward.correct));
  assert.throws(() => make(policy, { maxLength: 65 }), InvalidInputError);
  assert.throws(() => make(policy, { sft: { checkpointEvery: 3 } as never }), /checkpointEvery/);
});
