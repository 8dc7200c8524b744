import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Interpreter } from "../../src/interpreter/index.ts";
import { toRows } from "../../src/training/batch.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { sketchBatch } from "./batch-tools.ts";
import { smallTrainer } from "./time-tools.ts";

// A tool may write more than the policy has positions: the rollout ends there, with more tokens than a row can hold.

const interpreter = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) =>
  smallTrainer({ interpreter, warmupSteps: 0, maxLength: 96, ...settings });

const long = { text: "```python\nprint(1)\n```\n", feedback: "1".repeat(150), reward: 1 };
const short = { text: "\\boxed{2} and some words more", reward: -1 };

test("what a tool wrote beyond the last position reaches neither another rollout's row nor its terms", async (t) => {
  const trainer = await make();
  t.after(() => trainer.close());
  const { tokenizer, config } = trainer.policy;
  const { rollouts, ...rest } = sketchBatch(tokenizer, [long, short]);
  assert.ok(rollouts[0]!.trajectory.length > config.maxLength, "it is longer than a row");
  const layout = { length: config.maxLength, maskToolTokens: true, padId: tokenizer.padId };
  const [both, alone] = [
    toRows(rollouts, [1, -1], { ...layout, rows: 2 }),
    toRows(rollouts.slice(1), [-1], { ...layout, rows: 1 }),
  ];
  for (const name of ["ids", "targets", "mask", "advantages", "oldLogprobs"] as const)
    assert.deepEqual(both[name].slice(config.maxLength), alone[name], name);
  const batch = { ...rest, rollouts };
  const { tokens } = await trainer.objective(batch, trainer.advantages(batch));
  assert.deepEqual(
    [0, 1].map((place) => tokens.filter(({ rollout }) => rollout === place).length),
    rollouts.map(({ trajectory }) => trajectory.sampledCount),
  );
});

test("such a rollout is scored by the reference and the critic, wherever it stands", async (t) => {
  const reference = await make({ klCoef: 0.1 });
  const critic = await make({ advantageEstimator: "gae" });
  t.after(() => Promise.all([reference.close(), critic.close()]));
  const { tokenizer } = reference.policy;
  const shorts = (count: number) => Array.from({ length: count }, () => short);
  // As many as are scored at once, with the long one first and last.
  const [first, last] = [
    [long, ...shorts(63)],
    [...shorts(63), long],
  ].map((all) => sketchBatch(tokenizer, all));
  const [one, other] = [await reference.score(first!), await reference.score(last!)];
  for (const { refLogprobs } of [...one.rollouts, ...other.rollouts])
    assert.ok(refLogprobs!.subarray(1, 97).every((value) => value < 0));
  const [before, after] = [one.rollouts[1]!, other.rollouts[0]!];
  assert.deepEqual(before.refLogprobs, after.refLogprobs);
  // Not what this policy would sample.
  const values = await critic.score({ ...sketchBatch(tokenizer, [short, long]), policyVersion: 1 });
  assert.ok((await critic.update(values, critic.advantages(values))).tokens > 0);
});
