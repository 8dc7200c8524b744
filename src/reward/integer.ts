/**
 * Integer answers, as AIME has them.
 *
 * The answer is the integer that the last `\boxed{…}` ends with: `204`, `x = 204`, `\text{Answer: } 204`, `204^\circ`,
 * `2{,}040`. A box that holds anything else that could be an answer (a second number, a fraction, a power, a decimal)
 * has none, so that a policy gains nothing by listing candidates. Leading zeros do not count: AIME writes `042`.
 *
 * CIR's evaluation (arXiv:2505.24480, evaluation/run.py) also accepts the last integer on the response's last line;
 * `lastLine: true` does so too, for replication only: it accepts answers that were never declared as such.
 */
import { z } from "zod";
import { DatasetError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { lastBoxed } from "./answer.ts";
import type { Reward } from "./types.ts";

const integerSchema = z
  .strictObject({
    range: z.tuple([z.int(), z.int()]).optional(),
    lastLine: z.boolean().default(false),
    correct: z.number().default(1),
    incorrect: z.number().default(-1),
  })
  .refine(({ range }) => !range || range[0] <= range[1], {
    path: ["range"],
    message: "the first must not be above the second",
  });

/** Options of {@link integer}. */
export type IntegerOptions = z.input<typeof integerSchema>;

/** Commands that set or space text and hold no number of their own. */
const decoration =
  /\\(?:text|textbf|mathrm|mathbf|boldsymbol|operatorname|mbox)\s*\{([^{}]*)\}|\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\(?:left|right|displaystyle|quad|qquad)(?![a-z])|\\[,;:! ]|[$~]/g;
const separators = /(?<![\d.])\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?![\d.])/g;
const subscripts = /([A-Za-z])_(?:\d|\{\w+\})/g;
/** Words or one name before, the integer, words (a unit) after. */
const whole = /^[A-Za-z\s:]*(?:=\s*)?(?<![A-Za-z])([-+\u2212]?)\s*(\d+)\s*(?:\\?%|[A-Za-z\s]*)\.?$/;
const maxDigits = 1000;

/** The integer that the content of a box comes to; undefined where it is not exactly one. */
export function integerIn(content: string): bigint | undefined {
  const plain = content
    .replace(separators, (number) => number.replace(/\D/g, ""))
    .replace(decoration, (_, inner: string | undefined) => ` ${inner ?? ""} `)
    .replace(subscripts, "$1")
    .trim();
  const match = whole.exec(plain);
  if (!match || match[2]!.length > maxDigits) return undefined;
  return match[1] === "" || match[1] === "+" ? BigInt(match[2]!) : -BigInt(match[2]!);
}

/** The last integer on the last line that is not blank. */
function lastLineInteger(text: string): bigint | undefined {
  const found = text
    .trimEnd()
    .split("\n")
    .at(-1)!
    .match(/(?<![\d.])-?\d+(?!\d|\.\d)/g)
    ?.at(-1);
  return found === undefined || found.length > maxDigits ? undefined : BigInt(found);
}

/**
 * `correct` (1) when the last box holds exactly the task's integer, else `incorrect` (-1).
 *
 * @param options `range`: answers outside of it are wrong, for AIME `[0, 999]`; `lastLine`: CIR's evaluation rule.
 * @throws DatasetError when the task's answer is not an integer in the range.
 */
export function integer(options: IntegerOptions = {}): Reward {
  const {
    range,
    lastLine,
    correct: right,
    incorrect: wrong,
  } = parseInput(integerSchema, options, "options of integer");
  const inRange = (value: bigint) => !range || (value >= BigInt(range[0]) && value <= BigInt(range[1]));
  return {
    name: "integer",
    score({ task, text }) {
      const expected = integerIn(task.answer);
      if (expected === undefined || !inRange(expected))
        throw new DatasetError(
          `The answer ${JSON.stringify(task.answer)} is not an integer${range ? ` from ${range[0]} to ${range[1]}` : ""}.`,
          "Grade this task with rewards.boxedAnswer.",
        );
      const boxed = lastBoxed(text);
      const answer = boxed === undefined ? undefined : integerIn(boxed);
      const judge = (value: bigint | undefined) => value !== undefined && inRange(value) && value === expected;
      const how = judge(answer) ? "box" : lastLine && judge(lastLineInteger(text)) ? "lastLine" : null;
      const correct = how !== null;
      return {
        reward: correct ? right : wrong,
        correct,
        detail: { answer: answer === undefined ? (boxed ?? null) : String(answer), expected: String(expected), how },
      };
    },
  };
}
