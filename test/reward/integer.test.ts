import assert from "node:assert/strict";
import { test } from "node:test";
import { DatasetError, InvalidInputError } from "../../src/base/errors.ts";
import { rewards } from "../../src/reward/index.ts";
import { integerIn } from "../../src/reward/integer.ts";

const read: [box: string, value: bigint | undefined][] = [
  ["204", 204n],
  ["042", 42n],
  ["-7", -7n],
  ["\u22127", -7n],
  ["+7.", 7n],
  ["x = 204", 204n],
  ["x_1=204", 204n],
  ["\\text{Answer: } 204", 204n],
  ["\\mathbf{204}", 204n],
  ["$204$", 204n],
  ["204^\\circ", 204n],
  ["204^{\\circ}", 204n],
  ["204 \\text{ cm}", 204n],
  ["50\\%", 50n],
  ["2,040", 2040n],
  ["2{,}040", 2040n],
  ["1\\,234\\,567", 1234567n],
  ["123456789012345678901234567890", 123456789012345678901234567890n],
  // What holds no integer, or more than one thing.
  ["", undefined],
  ["x", undefined],
  ["3.5", undefined],
  ["\\frac{1}{2}", undefined],
  ["\\frac12", undefined],
  ["1/2", undefined],
  ["2^{10}", undefined],
  ["10^2", undefined],
  ["3 + 4", undefined],
  ["1, 2", undefined],
  ["41 or 42", undefined],
  ["x=41, y=42", undefined],
  ["x=41 or x=42", undefined],
  ["(1,2)", undefined],
  ["\\sqrt{2}", undefined],
  ["\\{1,2\\}", undefined],
  ["m+n=42", undefined],
  ["abc42", undefined],
  ["2040,50", undefined],
  ["1e3", undefined],
  ["9".repeat(2000), undefined],
];

test("a box holds an integer where it says exactly one", () => {
  const wrong = read
    .filter(([box, value]) => integerIn(box) !== value)
    .map(([box, value]) => [box, value, integerIn(box)]);
  assert.deepEqual(wrong, []);
});

test("the last box decides, and leading zeros do not count", async () => {
  const reward = rewards.integer({ range: [0, 999] });
  const score = async (text: string) => (await reward.score({ task: { answer: "42" }, text })).reward;
  assert.equal(await score("\\boxed{7} no, \\boxed{042}"), 1);
  assert.equal(await score("\\boxed{42} no, \\boxed{7}"), -1);
  assert.equal(await score("42"), -1);
  assert.equal(await score("\\boxed{1042}"), -1);
});

test("an answer outside of the range is wrong, a task outside of it cannot be used", async () => {
  const reward = rewards.integer({ range: [0, 999] });
  await assert.rejects(async () => reward.score({ task: { answer: "1000" }, text: "\\boxed{1000}" }), DatasetError);
  await assert.rejects(async () => reward.score({ task: { answer: "\\frac{1}{2}" }, text: "" }), DatasetError);
  assert.throws(() => rewards.integer({ range: [5, 1] }), InvalidInputError);
});

test("CIR's evaluation also reads the last integer of the last line", async () => {
  const task = { answer: "42" };
  const lenient = rewards.integer({ lastLine: true });
  const how = async (text: string) => (await lenient.score({ task, text })).detail.how;
  assert.equal(await how("\\boxed{42}"), "box");
  assert.equal(await how("7 and\nso it is 41, no, 42.\n"), "lastLine");
  assert.equal(await how("42\nand 4.42"), null);
  assert.equal((await rewards.integer().score({ task, text: "It is 42." })).correct, false);
});
