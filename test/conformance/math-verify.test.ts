import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pairs } from "../reward/answers/index.ts";
import { findPython, missing } from "./python.ts";

const r = String.raw;

/** Every pair of the table that math-verify 0.9 decides otherwise than the table, and why the table stands. */
const explained: Record<string, readonly string[]> = {
  "its reader knows no thin space between thousands": [r`12\,345 = 12345`, r`1\,000\,000 = 1,000,000`],
  "its reader knows no mixed number without a LaTeX fraction": ["3 1/2 = 7/2"],
  "its reader knows no repeating decimals": [
    r`0.\overline{3} = 1/3`,
    r`0.1\overline{6} = \frac{1}{6}`,
    r`0.\overline{142857} = 1/7`,
  ],
  "its reader takes plainly typed mathematics for a product of letters or for text": [
    "2.5e3 = 2500",
    r`pi/4 = \frac{\pi}{4}`,
    r`(3, \frac{\pi}{2}) = (3,pi/2)`,
    r`√2 = \sqrt{2}`,
    "½ = 0.5",
    "2³ = 8",
    "12.5% = \\frac{25}{2}\\%",
  ],
  "it drops the index of a number, so that the digits of all bases are decimal": [
    "1010_2 = 10",
    "1A_{16} = 26",
    r`11111_{2} = 1F_{16}`,
    "1010_2 = 1010_3",
    "1010_2 = 1010",
  ],
  "it rounds to six digits after the point; the table is exact": [
    r`\frac{1}{3} = 0.3333333333`,
    r`\sqrt{2} = 1.41421356237`,
    r`\pi^2 = 9.8696044`,
  ],
  "it reads a tower of powers from the left": ["2^3^2 = 64"],
  "it takes the complex cube root of a negative number": [
    r`\sqrt[3]{-8} = -2`,
    r`\sqrt[3]{2+\sqrt{5}}+\sqrt[3]{2-\sqrt{5}} = 1`,
  ],
  "it does not compute complex numbers, or reads i as a variable": [
    "(1+i)^2 = 2i",
    r`\frac{1}{i} = -i`,
    r`\sqrt{-4} = 2i`,
    r`e^{i\pi} = -1`,
  ],
  "it drops the sign of degrees inside of functions, or does not convert degrees": [
    r`\sin 30^\circ = \frac{1}{2}`,
    r`\tan 60^{\circ} = \sqrt{3}`,
    r`\cos 36^\circ = \frac{1+\sqrt{5}}{4}`,
    r`45^\circ = \frac{\pi}{4}`,
  ],
  "it does not prove the identity within its limits": [
    r`\frac{n!}{(n-1)!} = n`,
    r`\cos\frac{\pi}{7}\cos\frac{2\pi}{7}\cos\frac{3\pi}{7} = \frac18`,
  ],
  "it reads an upright e as a variable": [r`\mathrm{e}^{2} = e^2`],
  "it ignores the case of variables": ["X = x"],
  "it has no second sign of the empty set": [r`\emptyset = \varnothing`],
  "it does not spell out two signs in a fraction": [
    r`\frac{1\pm\sqrt5}{2} = \{\frac{1+\sqrt{5}}{2}, \frac{1-\sqrt{5}}{2}\}`,
  ],
  "it holds an inequality, as reference, unequal to the interval of its solutions": [
    r`(0,1] = 0 < x \le 1`,
    r`(-\infty, 3] = x \leq 3`,
    r`(3,\infty) = x > 3`,
    r`(-\infty,-1)\cup(1,\infty) = x < -1 \text{ or } x > 1`,
    r`\{x \mid x > 3\} = (3,\infty)`,
  ],
  "it does not divide an inequality": [r`2x + 2y \le 6 = x + y \le 3`],
  "it tells vectors and tuples apart; the table lets them pass, with a note": [
    r`\begin{pmatrix} 1 \\ 2 \end{pmatrix} = (1,2)`,
    r`\langle 1, 2 \rangle = (1,2)`,
  ],
  "it drops the modulus and compares the residues as they are": [
    r`x \equiv 3 \pmod{7} = x \equiv 10 \pmod 7`,
    r`3 \pmod{7} = -4 \pmod{7}`,
    r`x \equiv 3 \pmod{7} = x \equiv 3 \pmod{8}`,
  ],
  "it takes a point for a list": ["(2,3) = 2,3"],
  "its reader sees no words outside of \\text, and not a choice with its value": [
    r`true = \text{True}`,
    r`\textbf{(C)}\ 12 = C`,
    r`8:05 \text{ a.m.} = 08:05 AM`,
  ],
  "its reader knows no units that are typed plainly in a list": ["5 cm, 7 cm = 7, 5"],
  "it drops all units, also where they contradict each other": [
    r`5 \text{ cm} = 5 \text{ m}`,
    r`5 \text{ cm}^2 = 5 \text{ cm}^3`,
    r`\$5 = 5 \text{ cents}`,
    r`8:05 \text{ a.m.} = 8:05 \text{ p.m.}`,
  ],
};

test("every disagreement with math-verify on the table of answers is explained", { timeout: 180_000 }, async (t) => {
  const python = findPython("math_verify");
  if (!python) {
    t.skip(missing("math-verify", "antlr4-python3-runtime==4.13.2"));
    return;
  }
  const script = fileURLToPath(new URL("../../../test/conformance/math-verify.py", import.meta.url));
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.end(JSON.stringify(pairs.map(({ gold, answer }) => [gold, answer])));
  const verdicts = (await json(child.stdout)) as boolean[];
  assert.equal(verdicts.length, pairs.length);
  const disagreements = pairs
    .filter(({ equal }, k) => equal !== verdicts[k])
    .map(({ gold, answer }) => `${gold} = ${answer}`);
  const known = new Set(Object.values(explained).flat());
  t.diagnostic(`math-verify agrees with the table on ${pairs.length - disagreements.length} of ${pairs.length} pairs`);
  assert.deepEqual(
    disagreements.filter((pair) => !known.has(pair)),
    [],
  );
  const table = new Set(pairs.map(({ gold, answer }) => `${gold} = ${answer}`));
  assert.deepEqual(
    [...known].filter((pair) => !table.has(pair)),
    [],
    "explained pairs that are not in the table",
  );
});
