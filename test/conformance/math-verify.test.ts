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
  "it misreads thin spaces between thousands": [r`12\,345 = 12345`, r`1\,000\,000 = 1,000,000`],
  "it misreads a mixed number without a LaTeX fraction": ["3 1/2 = 7/2"],
  "it stops before the bar of a repeating decimal": [
    r`0.\overline{3} = 1/3`,
    r`0.1\overline{6} = \frac{1}{6}`,
    r`0.\overline{142857} = 1/7`,
  ],
  "it takes letters of plainly typed mathematics for variables": [
    "2.5e3 = 2500",
    r`pi/4 = \frac{\pi}{4}`,
    r`(3, \frac{\pi}{2}) = (3,pi/2)`,
    "5 cm, 7 cm = 7, 5",
  ],
  "it does not read these signs of Unicode": [r`√2 = \sqrt{2}`, "½ = 0.5", "2³ = 8"],
  "it does not read percent behind a LaTeX fraction": ["12.5% = \\frac{25}{2}\\%"],
  "it drops the index of a number, so that the digits of all bases are decimal, and letters are no digits": [
    "1010_2 = 10",
    "1A_{16} = 26",
    r`11111_{2} = 1F_{16}`,
    "1010_2 = 1010_3",
    "1010_2 = 1010",
  ],
  "it rounds; the table is exact": [
    r`\frac{1}{3} = 0.3333333333`,
    r`\sqrt{2} = 1.41421356237`,
    r`\pi^2 = 9.8696044`,
    r`\cos 1 = 0.5403023058681398`,
    r`\sqrt{2} = \frac{665857}{470832}`,
    r`2^{1/2}+10^{-13} = \sqrt{2}`,
    r`\sin x + 10^{-20} = \sin x`,
  ],
  "it reads a tower of powers from the left": ["2^3^2 = 64"],
  "it takes the complex cube root of a negative number": [
    r`\sqrt[3]{-8} = -2`,
    r`\sqrt[3]{2+\sqrt{5}}+\sqrt[3]{2-\sqrt{5}} = 1`,
  ],
  "it reads i as a variable": [
    "(1+i)^2 = 2i",
    r`\frac{1}{i} = -i`,
    r`\sqrt{-4} = 2i`,
    r`e^{i\pi} = -1`,
    r`|1+i\sqrt{3}| = 2`,
    r`\overline{3+4i} = 3-4i`,
  ],
  "it drops the sign of degrees": [
    r`\sin 30^\circ = \frac{1}{2}`,
    r`\tan 60^{\circ} = \sqrt{3}`,
    r`\cos 36^\circ = \frac{1+\sqrt{5}}{4}`,
    r`45^\circ = \frac{\pi}{4}`,
    r`\tan^{-1}(1) = 45^\circ`,
  ],
  "it does not prove the identity": [
    r`\frac{n!}{(n-1)!} = n`,
    r`\cos\frac{\pi}{7}\cos\frac{2\pi}{7}\cos\frac{3\pi}{7} = \frac18`,
  ],
  "it reads an upright e as a variable": [r`\mathrm{e}^{2} = e^2`],
  "it ignores the case of variables": ["X = x"],
  "it reads the second sign of the empty set as a variable": [r`\emptyset = \varnothing`],
  "it does not read two signs in a fraction": [
    r`\frac{1\pm\sqrt5}{2} = \{\frac{1+\sqrt{5}}{2}, \frac{1-\sqrt{5}}{2}\}`,
  ],
  "it takes an inequality for the interval of its solutions only where the inequality is the reference": [
    r`(0,1] = 0 < x \le 1`,
    r`(-\infty, 3] = x \leq 3`,
    r`(3,\infty) = x > 3`,
    r`(-\infty,-1)\cup(1,\infty) = x < -1 \text{ or } x > 1`,
    r`\{x \mid x > 3\} = (3,\infty)`,
  ],
  "it does not divide an inequality": [r`2x + 2y \le 6 = x + y \le 3`],
  "it does not take vectors for tuples, as the table does with a note": [
    r`\begin{pmatrix} 1 \\ 2 \end{pmatrix} = (1,2)`,
    r`\langle 1, 2 \rangle = (1,2)`,
  ],
  "it does not read a modulus": [
    r`x \equiv 3 \pmod{7} = x \equiv 10 \pmod 7`,
    r`3 \pmod{7} = -4 \pmod{7}`,
    r`x \equiv 3 \pmod{7} = x \equiv 3 \pmod{8}`,
  ],
  "it takes points, lists and sets for one another": ["(2,3) = 2,3", r`\{1,2,3\} = (1,2,3)`],
  "it compares the ends of a chain": ["a=b=c = a=c"],
  "it reads words outside of \\text as text alone, and a choice with its value as a product": [
    r`true = \text{True}`,
    r`\textbf{(C)}\ 12 = C`,
  ],
  "it takes a time of the day for a quotient": [
    r`8:05 \text{ a.m.} = 08:05 AM`,
    r`8:05 \text{ a.m.} = 8:05 \text{ p.m.}`,
  ],
  "it drops all units, also where they contradict each other": [
    r`5 \text{ cm} = 5 \text{ m}`,
    r`5 \text{ cm}^2 = 5 \text{ cm}^3`,
    r`\$5 = 5 \text{ cents}`,
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
