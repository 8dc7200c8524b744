import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Grader } from "../../src/reward/index.ts";
import { pairs } from "./answers/index.ts";

/** Pairs that only sympy proves: without it the grader must say that it does not know. */
const needSympy = [
  "\\frac{n!}{(n-1)!} = n",
  "\\cos\\frac{\\pi}{7}\\cos\\frac{2\\pi}{7}\\cos\\frac{3\\pi}{7} = \\frac18",
  "\\sqrt[3]{2+\\sqrt{5}}+\\sqrt[3]{2-\\sqrt{5}} = 1",
];

async function gradeAll(grader: Grader): Promise<{ missed: string[]; accepted: string[] }> {
  const missed: string[] = [];
  const accepted: string[] = [];
  for (const { gold, answer, equal, reason } of pairs)
    for (const [a, b] of [
      [gold, answer],
      [answer, gold],
    ] as const) {
      const verdict = await grader.grade(a, b);
      if (verdict.equal && !equal) accepted.push(`${a} = ${b} (${reason}): ${verdict.how}`);
      if (!verdict.equal && equal) missed.push(`${gold} = ${answer}`);
    }
  return { missed: [...new Set(missed)], accepted };
}

test("the table has at least 220 pairs, 60 of them different, each once", () => {
  assert.ok(pairs.length >= 220, `${pairs.length} pairs`);
  assert.ok(pairs.filter(({ equal }) => !equal).length >= 60);
  assert.equal(new Set(pairs.map(({ gold, answer }) => `${gold} = ${answer}`)).size, pairs.length);
});

test("without sympy: no false accept, and the only misses are those that it takes sympy to prove", async () => {
  const grader = await Grader.start({ interpreter: "none" });
  try {
    const { missed, accepted } = await gradeAll(grader);
    assert.deepEqual(accepted, []);
    assert.deepEqual(missed, needSympy);
    for (const pair of needSympy) {
      const [gold, answer] = pair.split(" = ") as [string, string];
      assert.equal((await grader.grade(gold, answer)).how, "undecided");
    }
  } finally {
    await grader.close();
  }
});

test("with sympy: every pair of the table is decided as it says", async (t) => {
  const python = await PythonInterpreter.start({ profile: "scientific", lanes: 1, memoryMb: 512 });
  if (!python.packages.some((name) => name.startsWith("sympy "))) {
    await python.close();
    t.skip("the interpreter has no sympy: cirlab packages install");
    return;
  }
  const grader = await Grader.start({ interpreter: python, sympyLimitMs: 20_000 });
  try {
    assert.deepEqual(await gradeAll(grader), { missed: [], accepted: [] });
    for (const pair of needSympy) {
      const [gold, answer] = pair.split(" = ") as [string, string];
      assert.equal((await grader.grade(gold, answer)).how, "sympy");
    }
    assert.equal((await grader.grade("e^{\\pi\\sqrt{163}}", "262537412640768744")).how, "sympy");
  } finally {
    await grader.close();
    await python.close();
  }
});

const options = [
  ["percent", "50\\%", "0.5"],
  ["percent", "50\\%", "50"],
  ["degrees", "45^\\circ", "45"],
  ["units", "5 \\text{ cm}", "5"],
  ["lists", "2, 3", "3, 2"],
  ["lists", "2, 3", "\\{2, 3\\}"],
  ["names", "x = 5", "5"],
  ["intervals", "(0, \\infty)", "x > 0"],
  ["vectors", "\\langle 1, 2 \\rangle", "(1, 2)"],
  ["ratios", "3 : 4", "\\frac{3}{4}"],
  ["textCase", "\\text{Yes}", "yes"],
] as const;

test("each leniency is said in the verdict, and its option refuses it", async () => {
  const lenient = await Grader.start({ interpreter: "none" });
  try {
    for (const [option, gold, answer] of options) {
      const strict = await Grader.start({ interpreter: "none", [option]: false });
      const [given, refused] = [await lenient.grade(gold, answer), await strict.grade(gold, answer)];
      await strict.close();
      assert.equal(given.equal, true, `${gold} = ${answer}`);
      assert.equal(given.notes.length, 1, `${option}: ${given.notes.join("; ")}`);
      assert.equal(refused.equal, false, `${gold} = ${answer} without ${option}`);
    }
  } finally {
    await lenient.close();
  }
});
