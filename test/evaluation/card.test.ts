import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { EvaluationCard, type SampleResult } from "../../src/evaluation/index.ts";

const right = (toolCalls: number): SampleResult => ({ correct: true, answer: "7", toolCalls, tokens: 20 });
const wrong = (answer: string | null, toolCalls = 0): SampleResult => ({
  correct: false,
  answer,
  toolCalls,
  tokens: 10,
});

const card = new EvaluationCard({
  name: "base",
  seconds: 2,
  tasks: [
    { taskId: "a", family: "algebra", samples: [right(1), { ...right(0), answer: "7.0" }, wrong("8"), wrong("8", 2)] },
    { taskId: "b", family: "algebra", samples: [wrong(null), wrong(null), wrong(null), right(3)] },
    { taskId: "c", family: "facts", samples: [wrong("1"), wrong("2"), wrong("3"), wrong("3")] },
  ],
});

test("a card's figures follow from its samples", () => {
  const { summary, families } = card;
  assert.equal(summary.samples, 12);
  assert.equal(summary.accuracy.value, 0.25);
  assert.deepEqual(Object.keys(summary.passAtK).map(Number), [1, 2, 4]);
  assert.ok(Math.abs(summary.passAtK[2]! - (5 / 6 + 1 / 2 + 0) / 3) < 1e-12);
  assert.equal(summary.passAtK[4], 2 / 3);
  assert.equal(card.passAtK(4), 2 / 3);
  assert.equal(summary.majority, (0.5 + 1 + 0) / 3);
  assert.equal(summary.codeShare, 3 / 12);
  assert.equal(summary.codeShareOfCorrect, 2 / 3);
  assert.equal(summary.meanToolCalls, 0.5);
  assert.equal(summary.meanTokens, 12.5);
  assert.deepEqual(Object.keys(families), ["algebra", "facts"]);
  assert.equal(families.algebra!.accuracy.value, 3 / 8);
  assert.equal(families.facts!.codeShareOfCorrect, 0);
});

test("the interval counts tasks, not samples, as independent", () => {
  const { low, high } = card.summary.accuracy;
  assert.ok(low < 0.1 && high > 0.6, `${low} to ${high}`);
});

test("a card comes back from its JSON", () => {
  const again = new EvaluationCard(JSON.parse(JSON.stringify(card)));
  assert.deepEqual(again.summary, card.summary);
  assert.deepEqual(again.families, card.families);
});

test("an evaluation without tasks or samples is refused", () => {
  assert.throws(() => new EvaluationCard({ name: "x", tasks: [] }), InvalidInputError);
  assert.throws(() => new EvaluationCard({ name: "x", tasks: [{ taskId: "a", family: "f", samples: [] }] }), /samples/);
});

test("a card shows its families and the whole", () => {
  const bundle = card[displaySymbol]();
  for (const mime of ["text/plain", "text/html"]) {
    assert.match(String(bundle[mime]), /algebra[\s\S]*facts[\s\S]*all/);
    assert.match(String(bundle[mime]), /25\.0 %/);
  }
});
