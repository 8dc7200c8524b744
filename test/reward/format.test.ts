import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { type Reward, rewards } from "../../src/reward/index.ts";

async function table(reward: Reward, rows: readonly (readonly [text: string, holds: boolean])[]): Promise<void> {
  for (const [text, holds] of rows) {
    const result = await reward.score({ task: { answer: "" }, text });
    assert.deepEqual([text, result.correct, result.reward], [text, holds, holds ? 1 : 0]);
    assert.equal(result.detail.problem === null, holds);
  }
}

test("tags: the blocks, each once, in order, nothing beside them", () =>
  table(rewards.tags({ tags: ["think", "answer"] }), [
    ["<think>a</think><answer>b</answer>", true],
    [" <think>a\n</think>\n\n<answer>b</answer>\n", true],
    ["<answer>b</answer><think>a</think>", false],
    ["<think>a</think>", false],
    ["<think>a<answer>b</answer></think>", false],
    ["<think>a</think> so <answer>b</answer>", false],
    ["<think>a</think><answer>b</answer>!", false],
    ["<think>a</think><think>a</think><answer>b</answer>", false],
    ["</think><think><answer>b</answer>", false],
    ["", false],
  ]));

test("singleBox: one box, closed, not empty", () =>
  table(rewards.singleBox(), [
    ["so \\boxed{\\frac{1}{2}}.", true],
    ["\\boxed{\\{1\\}}", true],
    ["\\boxed{1} or \\boxed{1}", false],
    ["\\boxed{1", false],
    ["\\boxed{ }", false],
    ["1", false],
  ]));

test("closedFences: every block is closed and holds something", () =>
  table(rewards.closedFences(), [
    ["no code", true],
    ["```python\nprint(1)\n```\nand\n```\nx\n```", true],
    ["```python\nprint(1)", false],
    ["```python\n\n```", false],
    ["```python\nx\n```python\ny\n```", false],
  ]));

test("the two values can be set; names of tags are checked", async () => {
  const reveal = rewards.tags({ tags: ["think", "generation-answer"], incorrect: -1 });
  assert.equal((await reveal.score({ task: { answer: "" }, text: "" })).reward, -1);
  assert.throws(() => rewards.tags({ tags: ["<think>"] }), InvalidInputError);
  assert.throws(() => rewards.tags({ tags: [] }), InvalidInputError);
});

test("overlong grows over the buffer", async () => {
  const overlong = rewards.overlong({ maxTokens: 4096, buffer: 1024 });
  const reward = async (tokens: number) => (await overlong.score({ task: { answer: "" }, text: "", tokens })).reward;
  assert.deepEqual(await Promise.all([0, 3072, 3584, 4096].map(reward)), [0, 0, -0.5, -1]);
  await assert.rejects(async () => overlong.score({ task: { answer: "" }, text: "" }), InvalidInputError);
  assert.throws(() => rewards.overlong({ maxTokens: 10, buffer: 11 }), InvalidInputError);
});
