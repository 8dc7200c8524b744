import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Grader } from "../../src/reward/grader.ts";
import { percentile } from "./callers.ts";
import { askPython, type Bench, type BenchTable, median } from "./measure.ts";

type Pair = readonly [gold: string, answer: string];

/** Answers as data sets and policies write them; which stage decides each is the grader's to say. */
const pairs: readonly Pair[] = [
  ["42", "42"],
  ["42", "43"],
  ["\\frac{1}{2}", "0.5"],
  ["\\frac{2}{6}", "\\frac13"],
  ["-\\frac{7}{3}", "\\frac{-7}{3}"],
  ["1{,}000{,}000", "10^6"],
  ["2^{100}", "2^{100}+1"],
  ["\\sqrt{16}", "4"],
  ["(1, 2)", "(1,2)"],
  ["(1, 2)", "(2,1)"],
  ["\\{1, 2, 3\\}", "\\{3,2,1\\}"],
  ["50\\%", "0.5"],
  ["[0, 1)", "[0,1)"],
  ["x^2-1", "(x-1)(x+1)"],
  ["3\\sqrt{2}", "\\sqrt{18}"],
  ["\\text{yes}", "yes"],
  ["\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"],
  ["\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}"],
  ["\\sqrt{5+2\\sqrt{6}}", "\\sqrt{2}+\\sqrt{3}"],
  ["\\sin^2 x", "1-\\cos^2 x"],
  ["\\sin 2x", "2\\sin x \\cos x"],
  ["\\tan x", "\\frac{\\sin x}{\\cos x}"],
  ["e^{x+y}", "e^x e^y"],
  ["\\cos 2x", "1 - 2\\sin^2 x"],
  ["\\frac{x^2-1}{x-1}", "x+1"],
  ["\\arctan 1", "\\frac{\\pi}{4}"],
  ["\\sin 3x", "3\\sin x - 4\\sin^3 x"],
  ["\\cosh^2 x - \\sinh^2 x", "1"],
  ["\\cos^4 x - \\sin^4 x", "\\cos 2x"],
];
/** Times that the pairs are judged in a round, so that the clock's steps do not count. */
const repeats = 20;

/** Time of a verdict, by the stage that reached it, beside math-verify. */
export const bench: Bench = async (context) => {
  const grader = await Grader.start();
  try {
    const python = context.python("math_verify");
    const bySympy: boolean[] = [];
    for (const [gold, answer] of pairs) bySympy.push((await grader.grade(gold, answer)).how === "sympy");
    const groups = [
      { what: "decided without sympy", pairs: pairs.filter((_, i) => !bySympy[i]), unit: "µs", repeats },
      { what: "confirmed by sympy", pairs: pairs.filter((_, i) => bySympy[i]), unit: "ms", repeats: 1 },
    ] as const;
    const rows = groups
      .filter((group) => group.pairs.length)
      .flatMap((group) =>
        (["median", "slowest"] as const).map((figure) => ({
          ...group,
          figure,
          ours: [] as number[],
          peer: [] as number[],
        })),
      );
    for (let round = 0; round < context.rounds; round++) {
      for (const group of groups.filter(({ pairs: some }) => some.length)) {
        const ours = await times(grader, group.pairs, group.repeats);
        const peer = python && (await peerTimes(python, group.pairs));
        for (const row of rows.filter(({ what }) => what === group.what)) {
          const figure = row.figure === "median" ? median : (values: readonly number[]) => percentile(values, 1);
          const scale = row.unit === "µs" ? 1000 : 1;
          row.ours.push(figure(ours) * scale);
          if (peer) row.peer.push(figure(peer) * scale);
        }
      }
      context.say(`grader: round ${round + 1} of ${context.rounds}`);
    }
    return [
      {
        title: "A verdict on two answers",
        peer: peerOf(python),
        rows: rows.map(({ what, figure, pairs: some, unit, ours, peer }) => ({
          what: `${what} (${some.length} pairs), ${figure}`,
          unit,
          ours,
          peer,
        })),
      },
    ];
  } finally {
    await grader.close();
  }
};

const peerOf = (python: string | undefined): BenchTable["peer"] =>
  python
    ? { name: `math-verify ${askPython(python, 'import importlib.metadata as m; print(m.version("math-verify"))')}` }
    : { missing: "no Python has math-verify. Install it (pip install math-verify), or name one with --python PATH." };

/** Milliseconds of each pair: the mean over its repeats. */
async function times(grader: Grader, some: readonly Pair[], count: number): Promise<number[]> {
  const found: number[] = [];
  for (const [gold, answer] of some) {
    const begin = performance.now();
    for (let i = 0; i < count; i++) await grader.grade(gold, answer);
    found.push((performance.now() - begin) / count);
  }
  return found;
}

/** Milliseconds of each pair in a process of its own, its start and imports left out. */
async function peerTimes(python: string, some: readonly Pair[]): Promise<number[]> {
  const script = fileURLToPath(new URL("./math_verify_peer.py", import.meta.url));
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(some));
  const [printed] = await Promise.all([text(child.stdout), once(child, "close")]);
  return (JSON.parse(printed) as { ms: number[] }).ms;
}
