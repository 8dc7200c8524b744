import assert from "node:assert/strict";
import { test } from "node:test";
import { DatasetError, InvalidInputError } from "../../src/base/errors.ts";
import { type PredictedCall, rewards, toolCallMatch } from "../../src/reward/index.ts";

const call = (parameters: Record<string, unknown>, name = "GP"): PredictedCall => ({ name, parameters });
const [sfo, lax] = [call({ loc_1: "ORD", loc_2: "SFO" }), call({ loc_1: "ORD", loc_2: "LAX" })];
const block = (calls: readonly PredictedCall[]) =>
  `<tool_call>\n${calls.map((one) => JSON.stringify(one)).join("\n")}\n</tool_call>`;
const turn = (calls: readonly PredictedCall[], thought = "t") => `<think>${thought}</think>\n${block(calls)}`;
const task = { answer: turn([sfo, lax]) };

async function parts(text: string, options: Parameters<typeof rewards.toolCalls>[0] = {}, step?: number) {
  const { reward, correct, detail } = await rewards.toolCalls(options).score({ task, text, step });
  return { reward, correct, format: detail.format as number, correctness: detail.correctness as number };
}
const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 5e-5, `${found}, expected ${expected}`);

test("the vectors of ToolRL's correctness reward", async () => {
  near((await parts(turn([sfo, call({ loc_2: "LAX" })]))).correctness, (6 * 5.5) / 7 - 3); // 1.7143
  // Greedy: the one prediction of that name goes to the first reference call; the figure's optimum would be -0.143.
  near((await parts(turn([call({ x: 1 }, "Get_Flight"), lax]))).correctness, -1);
  near((await parts(turn([lax, sfo]))).correctness, 3);
  near((await parts("<think>t</think>\n<tool_call>\n\n</tool_call>")).correctness, -3);
  near((await parts("<think>t</think>")).correctness, -3);
  near((await parts(turn([sfo, lax]))).reward, 4);
});

test("what cannot be read as calls has the lowest correctness", async () => {
  for (const body of ["{", "[1]", '{"name": "GP"}', '{"name": "GP", "parameters": []}', "null"])
    assert.equal((await parts(`<think>t</think>\n<tool_call>\n${body}\n</tool_call>`)).correctness, -3, body);
  assert.equal((await parts(`<think>t</think>\n<tool_call>\n${JSON.stringify(sfo)}`)).correctness, -3);
});

test("further calls cost by the names; equal values are equal as JSON", async () => {
  near((await parts(turn([sfo, lax, sfo]))).correctness, (6 * (2 / 3 + 6)) / 7 - 3);
  assert.equal(toolCallMatch([call({ a: 1, b: [{ x: 1, y: 2 }] })], [call({ b: [{ y: 2, x: 1 }], a: 1.0 })]), 1);
  assert.ok(toolCallMatch([call({ a: 1 })], [call({ a: "1" })]) < 1);
  assert.ok(toolCallMatch([call({ a: 1 })], [call(JSON.parse('{"__proto__": 1}'))]) < 1);
});

test("granularity: strict, intermediate, coarse", async () => {
  const half = turn([sfo, call({ loc_2: "LAX" })]);
  near((await parts(half, { granularity: "strict" })).correctness, (6 * (1 + 3 + 1)) / 7 - 3);
  near((await parts(half, { granularity: "intermediate" })).correctness, (6 * 2) / 3 - 3);
  near((await parts(half, { granularity: "coarse" })).correctness, -3);
  near((await parts(turn([lax, sfo]), { granularity: "coarse" })).correctness, -3);
  near((await parts(turn([lax, sfo]), { granularity: "intermediate" })).correctness, 3);
});

test("scale and schedules follow the step", async () => {
  const [right, wrong] = [turn([sfo, lax]), "?"];
  near((await parts(right, { scale: "equal" })).reward, 2);
  near((await parts(wrong, { scale: "equal" })).reward, -1);
  const twoStage = async (text: string, step: number) => {
    const { format, correctness } = await parts(text, { schedule: "twoStage" }, step);
    return [format, correctness];
  };
  assert.deepEqual(await twoStage(right, 29), [1, 1]);
  assert.deepEqual(await twoStage(right, 30), [0.5, 3]);
  assert.deepEqual(await twoStage(wrong, 29), [0, -1]);
  const smooth = async (text: string, step: number) => {
    const { format, correctness } = await parts(text, { schedule: "smooth" }, step);
    return [format, correctness];
  };
  assert.deepEqual(await smooth(right, 0), [2, 2]);
  assert.deepEqual(await smooth(right, 75), [1.5, 2.5]);
  assert.deepEqual(await smooth(right, 300), [1, 3]);
  assert.deepEqual(await smooth(wrong, 0), [-2, -2]);
  assert.deepEqual(await smooth(wrong, 30), [-1.6, -2.2]);
  await assert.rejects(parts(right, { schedule: "smooth" }), InvalidInputError);
});

test("the length of the thought, fixed and scheduled", async () => {
  const words = (count: number) => turn([sfo, lax], Array(count).fill("w").join(" "));
  const length = async (count: number, mode: "fixed" | "scheduled", step?: number) =>
    (await parts(words(count), { length: mode }, step)).reward - 4;
  near(await length(256, "fixed"), 0.5);
  near(await length(64, "fixed"), 0.12); // 0.125, to the even hundredth
  near(await length(1000, "fixed"), 1);
  near(await length(192, "scheduled", 0), 0.5);
  near(await length(320, "scheduled", 105), 0.5);
  await assert.rejects(length(1, "scheduled"), InvalidInputError);
});

test("the format is what the reference has", async () => {
  const reward = rewards.toolCalls();
  const format = async (answer: string, text: string) => (await reward.score({ task: { answer }, text })).detail.format;
  const calls = turn([sfo]);
  const both = `${calls}\n<response>done</response>`;
  const response = "<think>t</think>\n<response>done</response>";
  assert.equal(await format(calls, calls), 1);
  assert.equal(await format(calls, both), 0);
  assert.equal(await format(both, both), 1);
  assert.equal(await format(both, calls), 0);
  assert.equal(await format(response, response), 1);
  assert.equal(await format("<think>t</think>", "<think>x\ny</think>"), 1);
  assert.equal(await format(calls, ` ${calls}`), 0);
  assert.equal(await format(calls, `${calls}\n${block([sfo])}`), 0);
  assert.equal(await format(calls, calls.replace("</think>\n", "</think>")), 0);
});

test("a reference without a call has no correctness; one that cannot be read is the task's fault", async () => {
  const reward = rewards.toolCalls();
  const answer = "<think>t</think>\n<response>hi</response>";
  const quiet = await reward.score({ task: { answer }, text: answer });
  assert.deepEqual([quiet.reward, quiet.correct], [1, true]);
  const calling = await reward.score({ task: { answer }, text: turn([sfo]) });
  assert.deepEqual([calling.reward, calling.correct], [0, false]);
  await assert.rejects(
    async () => reward.score({ task: { answer: "<tool_call>\n{\n</tool_call>" }, text: "" }),
    DatasetError,
  );
});
