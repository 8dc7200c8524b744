import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { type Reward, rewards } from "../../src/reward/index.ts";

const task = { answer: "1569" };

test("a right box earns 1, a wrong or missing one -1", async () => {
  const reward = rewards.boxedAnswer();
  assert.deepEqual(await reward.score({ task, text: "So \\boxed{1569}" }), {
    reward: 1,
    correct: true,
    detail: { answer: "1569", expected: "1569" },
  });
  assert.equal((await reward.score({ task, text: "\\boxed{1569} no, \\boxed{7}" })).reward, -1);
  const none = await reward.score({ task, text: "1569" });
  assert.deepEqual([none.reward, none.correct, none.detail.answer], [-1, false, null]);
});

test("a box that only a tool printed is not an answer", async () => {
  const result = await rewards.boxedAnswer().score({ task, text: "print it", toolText: "\\boxed{1569}" });
  assert.equal(result.correct, false);
});

test("the two values can be set, and must be numbers", async () => {
  const reward = rewards.boxedAnswer({ correct: 1, incorrect: 0 });
  assert.equal((await reward.score({ task, text: "" })).reward, 0);
  assert.throws(() => rewards.boxedAnswer({ correct: Number.NaN }), InvalidInputError);
});

test("a sum adds weighted terms and keeps the first one's verdict", async () => {
  const brevity: Reward = {
    name: "brevity",
    score: ({ text }) => ({ reward: -text.length, correct: true, detail: {} }),
  };
  const sum = rewards.sum([rewards.boxedAnswer(), [0.5, brevity]]);
  assert.equal(sum.name, "boxedAnswer + 0.5 brevity");
  const result = await sum.score({ task, text: "1234" });
  assert.deepEqual([result.reward, result.correct], [-3, false]);
});
