import assert from "node:assert/strict";
import { test } from "node:test";
import { lastBoxed, sameAnswer } from "../../src/reward/index.ts";

test("the last box is taken, with nested and escaped braces", () => {
  assert.equal(lastBoxed("\\boxed{1} then \\boxed{ \\frac{1}{2} }."), "\\frac{1}{2}");
  assert.equal(lastBoxed("\\boxed{\\{1, 2\\}}"), "\\{1, 2\\}");
  assert.equal(lastBoxed("\\boxed{\\text{a \\} b}}"), "\\text{a \\} b}");
  assert.equal(lastBoxed("\\boxed{}"), "");
});

test("no box, or a last box that is not closed, gives nothing", () => {
  assert.equal(lastBoxed("42"), undefined);
  assert.equal(lastBoxed("\\boxed{1} and \\boxed{2"), undefined);
  assert.equal(lastBoxed("\\boxed{\\frac{1}{2}"), undefined);
});

test("equal answers in different forms agree", () => {
  const equal: [string, string][] = [
    ["1569", "1569"],
    [" 1569. ", "1569"],
    ["$42$", "42"],
    ["042", "42"],
    ["1,234,567", "1234567"],
    ["1{,}234", "1234"],
    ["0.5", "\\frac{1}{2}"],
    ["1/2", "\\dfrac12"],
    ["-\\frac{6}{4}", "-1.5"],
    ["\\frac{-3}{2}", "-3/2"],
    ["2.50", "5/2"],
    ["+7", "7"],
    ["\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})"],
    ["123456789012345678901234567890.0", "123456789012345678901234567890"],
  ];
  for (const [a, b] of equal) {
    assert.ok(sameAnswer(a, b), `${a} = ${b}`);
    assert.ok(sameAnswer(b, a), `${b} = ${a}`);
  }
});

test("different answers stay different", () => {
  const different: [string, string][] = [
    ["", ""],
    ["1569", "1568"],
    ["123456789012345678901234567890", "123456789012345678901234567891"],
    ["0.3333", "1/3"],
    ["1/0", "2/0"],
    ["-5", "5"],
    ["1,2", "12"],
    ["(1,234)", "1234"],
    ["1e3", "1000"],
    ["0x10", "16"],
    ["\\leftarrow", "arrow"],
  ];
  for (const [a, b] of different) assert.ok(!sameAnswer(a, b), `${a} = ${b}`);
});
