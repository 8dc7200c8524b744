import assert from "node:assert/strict";
import { test } from "node:test";
import { Grader } from "../../src/reward/index.ts";
import { judge } from "../../src/reward/math/equivalence.ts";
import { equivalenceOptions } from "../../src/reward/math/options.ts";
import { pairs } from "./answers/index.ts";

const options = equivalenceOptions.parse({});

function randomNumbers(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
}

test("every answer of the table equals itself, also with signs of mathematics around it", () => {
  for (const text of pairs.flatMap(({ gold, answer }) => [gold, answer]).filter(Boolean)) {
    assert.equal(judge(text, text, options).verdict.equal, true, text);
    if (!text.includes("$")) assert.equal(judge(text, `$${text}$`, options).verdict.equal, true, `$${text}$`);
  }
});

test("a verdict does not depend on which of the two is the reference answer", () => {
  const random = randomNumbers(7);
  const all = pairs.flatMap(({ gold, answer }) => [gold, answer]);
  for (let k = 0; k < 3000; k++) {
    const [a, b] = [all[Math.floor(random() * all.length)]!, all[Math.floor(random() * all.length)]!];
    assert.equal(judge(a, b, options).verdict.equal, judge(b, a, options).verdict.equal, `${a} and ${b}`);
  }
});

const pieces = [
  ..."0123456789xyze+-*/^_(){}[]|,;:=<>!%$&~' \n\\.",
  ...[
    "\\frac",
    "\\sqrt",
    "\\left",
    "\\right",
    "\\{",
    "\\}",
    "\\pm",
    "\\cup",
    "\\infty",
    "\\pi",
    "\\sin",
    "\\log_2",
    "\\text{",
  ],
  ...[
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\\\",
    "^{",
    "_{",
    "\\overline",
    "\\pmod",
    "√",
    "½",
    "²",
    "é",
    "\u{1f600}",
    "\u0000",
  ],
  ...["\\le", "\\in", "or", "and", "12,345", "0.\\overline{3}", "\\binom", "\\%", "^\\circ", "!!", "9^9^9"],
];

test("garbage is never a crash: 2,000 random strings against each other, each within the limit", async () => {
  const random = randomNumbers(11);
  const garbage = (): string =>
    Array.from({ length: 1 + Math.floor(random() * 25) }, () => pieces[Math.floor(random() * pieces.length)]).join("");
  const grader = await Grader.start({ interpreter: "none", lanes: 2 });
  try {
    await Promise.all(Array.from({ length: 2000 }, () => grader.grade(garbage(), garbage())));
    assert.equal(grader.restarts, 0);
  } finally {
    await grader.close();
  }
});

test("deep nesting, long strings, huge powers and large polynomials end within the limit", async () => {
  const repeat = (text: string, times: number): string => text.repeat(times);
  const hostile = [
    repeat("(", 3000) + repeat(")", 3000),
    `${repeat("\\frac{1}{1+", 400)}1${repeat("}", 400)}`,
    repeat("-", 3900),
    repeat("{", 1_000_000),
    repeat("\\text{", 150_000),
    repeat("9", 1_000_000),
    repeat(" ", 1_000_000),
    repeat("1,", 500_000),
    `${repeat("\\sqrt{", 600)}2${repeat("}", 600)}`,
    repeat("9^", 1000),
    "9^{9^{9^{9}}}",
    "10^{10^{10}}",
    "2^{99999999999}",
    "100000!",
    "((1000!)!)!",
    "\\binom{100000}{1000}",
    `(${"abcdefghjk".split("").join("+")})^{60}`,
    `(x+1)^{2000}`,
    `${repeat("(x+y)", 500)}`,
    `\\{${Array.from({ length: 700 }, (_, k) => `${k}x`).join(",")}\\}`,
    repeat("\\pm 1", 200),
    "1e999",
    `0.\\overline{${repeat("7", 3000)}}`,
    "\\sqrt{123456789012345678901234567890123456789012345678901234567890}",
    "|||||||||||x",
    repeat("|x", 1500),
    repeat("\\left(x+", 140) + repeat("\\right)", 140),
    repeat("a_{", 900),
  ];
  const grader = await Grader.start({ interpreter: "none", timeLimitMs: 3000 });
  try {
    for (const text of hostile) {
      const [itself, other] = [await grader.grade(text, text), await grader.grade(text, "2")];
      const what = `${text.slice(0, 40)} (${text.length} characters)`;
      assert.equal(other.equal, false, what);
      assert.equal(itself.equal, text.trim() !== "", what);
    }
    assert.equal(grader.restarts, 0);
  } finally {
    await grader.close();
  }
});
