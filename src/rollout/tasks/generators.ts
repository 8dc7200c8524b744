import { type RandomStream, uniformAt } from "../../base/random.ts";
import type { Task } from "./types.ts";

/** An arithmetic task and the code that solves it. */
export interface ArithmeticTask extends Task {
  metadata: {
    /** Cells of Python to run one after the other; the output of the last one is the answer. */
    cells: string[];
  };
}

type Question = Omit<ArithmeticTask, "id" | "family">;
type Generator = (stream: RandomStream) => Question;

const question = (prompt: string, answer: number | bigint | string, ...cells: string[]): Question => ({
  prompt,
  answer: String(answer),
  metadata: { cells },
});

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function powerModulo(base: number, exponent: number, modulus: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = (result * base) % modulus;
  return result;
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

function algebra(stream: RandomStream): Question {
  const [a, b, c] = [stream.integer(11, 99), stream.integer(11, 99), stream.integer(11, 99)];
  return question(`${a}*${b}+${c}=?`, a * b + c, `print(${a}*${b}+${c})`);
}

/** Divisors and remainders of two digits: too many answers for a guess to be worth much. */
function numberTheory(stream: RandomStream): Question {
  if (stream.next() < 0.5) {
    const divisor = stream.integer(11, 33);
    let [p, q] = [0, 0];
    while (gcd(p, q) !== 1 || p === q) [p, q] = [stream.integer(2, 9), stream.integer(2, 9)];
    const [a, b] = [divisor * p, divisor * q];
    return question(`gcd ${a},${b}=?`, divisor, `import math\nprint(math.gcd(${a},${b}))`);
  }
  const [base, exponent, modulus] = [stream.integer(2, 19), stream.integer(5, 29), stream.integer(23, 97)];
  const answer = powerModulo(base, exponent, modulus);
  return question(`${base}^${exponent}%${modulus}=?`, answer, `print(pow(${base},${exponent},${modulus}))`);
}

function combinatorics(stream: RandomStream): Question {
  const n = stream.integer(5, 20);
  const k = stream.integer(2, n - 2);
  return question(`${n}C${k}=?`, binomial(n, k), `import math\nprint(math.comb(${n},${k}))`);
}

/** Operations from left to right, one to a cell, each on the result of the one before. */
function chain(steps: number): Generator {
  return (stream) => {
    let value = stream.integer(11, 99);
    let prompt = String(value);
    const cells: string[] = [];
    for (let i = 0; i < steps; i++) {
      let operator = stream.pick(["*", "+", "-"]);
      if ((operator === "-" && value < 40) || (operator === "*" && value > 999)) operator = "+";
      const operand =
        operator === "*" ? stream.integer(2, 9) : stream.integer(11, operator === "-" ? Math.min(99, value - 1) : 99);
      cells.push(`print(${value}${operator}${operand})`);
      prompt += `>${operator}${operand}`;
      value = operator === "*" ? value * operand : operator === "+" ? value + operand : value - operand;
    }
    return question(`${prompt}=?`, value, ...cells);
  };
}

const FACT_COUNT = 60;

/** The world's facts: the same for every seed, so that a policy that knows them knows them everywhere. */
const fact = (key: number): number => 10 + Math.floor(90 * uniformAt(777, "facts", key));

/** Something to remember: no code can find it, and code that tries names a function that does not exist. */
function facts(stream: RandomStream): Question {
  const key = 10 + Math.floor(FACT_COUNT * stream.next() ** 1.7);
  return question(`geo ${key}=?`, fact(key), `print(geo(${key}))`);
}

/** Families of arithmetic tasks, in the order of tables. */
export const generators = {
  algebra,
  numberTheory,
  combinatorics,
  chain1: chain(1),
  chain2: chain(2),
  chain3: chain(3),
  facts,
} satisfies Record<string, Generator>;

export type ArithmeticFamily = keyof typeof generators;

export function generateTask(family: ArithmeticFamily, stream: RandomStream): ArithmeticTask {
  const made = generators[family](stream);
  return { id: `${family}:${made.prompt}`, family, ...made };
}
