import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { EvaluationCard, type SampleResult } from "../../src/evaluation/index.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { smallTrainer } from "../training/time-tools.ts";

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

const coded = (correct: boolean, ...executions: ("ok" | "error" | "timeout")[]): SampleResult => ({
  correct,
  answer: correct ? "1" : "2",
  toolCalls: executions.length,
  tokens: 5,
  executions,
});

test("what became of the code: pass rate, and right answers given each history", () => {
  const { summary } = new EvaluationCard({
    name: "x",
    tasks: [
      { taskId: "a", family: "f", samples: [coded(true, "ok"), coded(false, "ok", "ok"), coded(true, "error", "ok")] },
      { taskId: "b", family: "f", samples: [coded(false, "ok", "timeout"), coded(false), coded(true, "ok")] },
    ],
  });
  assert.equal(summary.passRate, 6 / 8);
  assert.deepEqual(summary.histories, {
    "no code": { samples: 1, accuracy: 0 },
    "all ran": { samples: 3, accuracy: 2 / 3 },
    "error, then fixed": { samples: 1, accuracy: 1 },
    "error, not fixed": { samples: 1, accuracy: 0 },
  });
  assert.equal(card.summary.passRate, undefined, "an older card has no record of it");
});

test("settings are kept, checked and printed", () => {
  const settings = {
    temperature: 0.7,
    topP: 0.95,
    seed: 80,
    maxToolCalls: 3,
    maxLength: 96,
    promptFormat: "code",
    reward: "boxedAnswer",
  };
  const kept = new EvaluationCard({ ...card.toJSON(), settings });
  assert.deepEqual(new EvaluationCard(JSON.parse(JSON.stringify(kept))).settings, settings);
  assert.match(
    String(kept[displaySymbol]()["text/plain"]),
    /temperature 0\.7, top-p 0\.95, seed 80, at most 3 tool calls/,
  );
  assert.throws(
    () => new EvaluationCard({ ...card.toJSON(), settings: { ...settings, temperature: -1 } }),
    /temperature.*-1/,
  );
});

test("pass@k curves rise with k, carry intervals that hold the value, and are drawn on a logarithmic axis", async () => {
  const many = new EvaluationCard({
    name: "many",
    tasks: Array.from({ length: 20 }, (_, i) => ({
      taskId: String(i),
      family: "f",
      samples: Array.from({ length: 1024 }, (_, j) => (j < i * i ? right(0) : wrong("0"))),
    })),
  });
  const ks = Object.keys(many.summary.passAtK).map(Number);
  assert.equal(ks.at(-1), 1024);
  let before = 0;
  for (const k of ks) {
    const { low, value, high } = many.passAtKInterval(k);
    assert.ok(low <= value && value <= high && low < high, `k=${k}: ${low}, ${value}, ${high}`);
    assert.ok(value >= before);
    before = value;
  }
  assert.deepEqual(many.passAtKInterval(4), many.passAtKInterval(4));
  const bundle = await many.curve(card)[displaySymbol]();
  assert.match(String(bundle["image/svg+xml"]), /<svg[\s\S]*many[\s\S]*base|<svg[\s\S]*base[\s\S]*many/);
});

test("every score says its metric, interval, number of responses, and the settings it depends on", () => {
  const settings = {
    temperature: 1,
    topP: 0.95,
    seed: 80,
    maxToolCalls: 5,
    maxLength: 16384,
    promptFormat: "cir",
    reward: "boxedAnswer",
  };
  const { scores } = new EvaluationCard({ ...card.toJSON(), settings });
  assert.deepEqual(
    scores.map(({ metric }) => metric),
    ["avg@4", "pass@1", "pass@2", "pass@4", "maj@4"],
  );
  const [average, first, , all, majority] = scores;
  assert.equal(average!.value, card.summary.accuracy.value);
  assert.equal(first!.value, average!.value);
  assert.equal(all!.value, 2 / 3);
  assert.equal(majority!.value, card.summary.majority);
  for (const { low, value, high, n, tasks } of scores) {
    assert.ok(low <= value && value <= high);
    assert.deepEqual([n, tasks], [4, 3]);
  }
  assert.equal(
    String(average),
    `avg@4 = 25.0 % (${(average!.low * 100).toFixed(1)} % to ${(average!.high * 100).toFixed(1)} %; 3 tasks, n = 4; ` +
      'temperature 1, top-p 0.95, seed 80, at most 5 tool calls and 16384 tokens, prompt "cir", boxedAnswer)',
  );
  assert.match(String(card.scores[0]), /settings not recorded/);
});

test("majority votes of any number of samples", () => {
  // Task a: right+right, wrong+wrong; b: nobody, nobody+right; c: 1+2, 3+3.
  assert.equal(card.majorityAtK(2), (1 / 2 + 1 / 2 + 0) / 3);
  assert.equal(card.majorityAtK(1), card.summary.accuracy.value);
});

test("labels group the tasks, and what each took is told task by task", () => {
  const labelled = new EvaluationCard({
    name: "math",
    tasks: card.tasks.map((task, i) => ({
      ...task,
      labels: { level: ["10", "9", "9"][i]!, ...(i < 2 && { subject: task.family }) },
      samples: task.samples.map((sample) => ({ ...sample, toolMs: 250 })),
    })),
  });
  assert.deepEqual(Object.keys(labelled.groups), ["level", "subject"]);
  assert.equal(labelled.groups.level!["9"]!.tasks, 2);
  assert.equal(labelled.groups.level!["9"]!.accuracy.value, 1 / 8);
  assert.equal(labelled.groups.subject!.algebra!.tasks, 2);
  assert.equal(labelled.summary.totalTokens, 150);
  assert.equal(labelled.summary.toolSeconds, 3);
  assert.equal(card.summary.toolSeconds, undefined);
  const shown = String(labelled[displaySymbol]()["text/plain"]);
  assert.match(shown, /12 responses to 3 tasks, 150 tokens sampled, 3\.0 s in tools/);
  assert.match(shown, /By level[\s\S]*\n9 [\s\S]*\n10 /, "levels by size");
  assert.ok(!shown.includes("By subject"), "one subject tells nothing");
  const problems = String(labelled.problems[displaySymbol]()["text/plain"]);
  assert.match(problems, /b +algebra +9 +algebra +4 +25\.0 % +12\.5 +0\.75/);
  assert.deepEqual(new EvaluationCard(JSON.parse(JSON.stringify(labelled))).groups, labelled.groups);
});

test("how many tasks an evaluation takes is a whole number of at least 1", async () => {
  const interpreter = await Interpreter.start({ language: "javascript", lanes: 1 });
  const { lab, policy, taskset } = await smallTrainer({ interpreter });
  for (const count of [0, -1, 1.5, Number.NaN])
    await assert.rejects(
      evaluate(lab, policy, taskset, { interpreter, count }),
      (error) => error instanceof InvalidInputError && /count must be a whole number of at least 1/.test(error.message),
    );
  await interpreter.close();
});
