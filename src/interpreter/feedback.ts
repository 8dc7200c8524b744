import { InfrastructureError } from "../base/errors.ts";
import type { ExecutionResult } from "./types.ts";

/**
 * What a policy reads after its code: the rules of CIR's executor (arXiv:2505.24480, code_excute.py), and one rule of
 * our own that makes an error line independent of Python's version.
 */

/** Line for a snippet that ran into the time limit (CIR). */
export const timeoutLine = "Timeout Error";
/** Line for a snippet that wrote more than the interpreter keeps. */
export const outputLimitLine = "Output Limit Error";
/** Line for a snippet that used up its memory. */
export const memoryLine = "MemoryError";
/** Line for a snippet that brought its Python process down, or left it without an end (`os._exit`). */
export const crashLine = "Crash Error";
/** CIR's line for a snippet that ran well and printed nothing: its fallback hands a list to a regular expression. */
export const nothingPrintedLine = "TypeError: expected string or bytes-like object";

/** Python's `str.strip()`: its idea of white space differs from JavaScript's `trim`. */
export function pythonStrip(text: string): string {
  const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
  return text.replace(new RegExp(`^${space}`, "u"), "").replace(new RegExp(`${space}$`, "u"), "");
}

/**
 * Cuts a text in the middle as CIR does: the first and the last `limit / 2` characters (code points) with "..." between
 * them, where it is longer than `limit`.
 */
export function cutMiddle(text: string, limit: number): string {
  return cutText(text, limit, "middle", "...");
}

/** Leaves out the `part` of a text that is over `limit` code points, with `mark` in its place. */
export function cutText(text: string, limit: number, part: "start" | "middle" | "end", mark: string): string {
  // A code point takes at most two units, so most texts need no array.
  if (text.length <= limit) return text;
  const characters = Array.from(text);
  if (characters.length <= limit) return text;
  const kept = (from: number, to?: number): string => characters.slice(from, to).join("");
  if (part === "end") return kept(0, limit) + mark;
  if (part === "start") return mark + kept(characters.length - limit);
  const half = Math.floor(limit / 2);
  return kept(0, half) + mark + kept(characters.length - half);
}

/** Rewrites of single messages: `[exception, what any version says, what every version says from here on]`. */
const rewrites: readonly [string, RegExp, string][] = [
  ["ZeroDivisionError", /^.*$/s, "division by zero"],
  ["RecursionError", /^maximum recursion depth exceeded.*$/s, "maximum recursion depth exceeded"],
  [
    "OverflowError",
    /^\(\d+, '(?:Numerical result out of range|Result not representable)'\)$/,
    "(34, 'Numerical result out of range')",
  ],
  [
    "ValueError",
    /^expected a (?:(?:nonnegative|positive|finite) input|noninteger or positive integer|number (?:in range|between) .*)(?:, got .*)?$/s,
    "math domain error",
  ],
  ["ValueError", /^(too many values to unpack \(expected \d+), got \d+\)$/, "$1)"],
  ["ValueError", /^(Exceeds the limit \(\d+ digits\) for integer string conversion).*$/s, "$1"],
  ["ValueError", /^empty range (?:for|in) (randrange\(\)|randrange|randint)?.*$/s, "empty range for randrange()"],
  [
    "ValueError",
    /^(min|max)\(\) (?:arg is an empty sequence|iterable argument is empty)$/,
    "$1() arg is an empty sequence",
  ],
  ["ValueError", /^(?:list\.index\(x\): x not in list|.* is not in list)$/s, "list.index(x): x not in list"],
  ["TypeError", /^cannot use .* as a (?:dict key|set element) \((unhashable type: '.*')\)$/s, "$1"],
  ["TypeError", /^(Can't instantiate abstract class \S+) .*?((?:'?\w+'?, )*'?\w+'?)$/s, "$1"],
  ["ImportError", /^(cannot import name .* from '.*') \(.*\)$/s, "$1"],
];

/** Suggestions and advice that some versions append to a message. */
const advice =
  /(?:[.;,:]? ?(?:Did you mean|Maybe you meant|Perhaps you forgot a comma|Did you forget|did you forget|Or did you forget).*)$/s;

/**
 * A message as every Python from 3.9 on would give it, by this rule:
 * 1. suggestions ("Did you mean ...", "Maybe you meant ...", "Perhaps you forgot a comma?", "did you forget to import
 *    ...") are removed;
 * 2. every SyntaxError, IndentationError and TabError is "invalid syntax" (their texts change with every version), every
 *    ZeroDivisionError "division by zero";
 * 3. memory addresses become 0x0, and errno numbers, which differ between operating systems, are removed;
 * 4. the few messages of {@link rewrites} take their shortest form.
 *
 * @returns the exception's name and message; name `"SyntaxError"` for all three syntax errors.
 */
export function normaliseError(name: string, message: string): { name: string; message: string } {
  if (/^(?:SyntaxError|IndentationError|TabError)$/.test(name))
    return { name: "SyntaxError", message: "invalid syntax" };
  let text = message
    .replace(advice, "")
    .replace(/0x[0-9a-fA-F]{4,}/g, "0x0")
    .replace(/\[Errno -?\d+\] /g, "");
  for (const [kind, found, instead] of rewrites)
    if (kind === name && found.test(text)) text = text.replace(found, instead);
  return { name, message: text };
}

/** The last line of a traceback under {@link normaliseError}'s rule. */
export function normaliseLine(line: string): string {
  const match = /^([\w.]+)(?:: (.*))?$/s.exec(line);
  if (!match) return normaliseError("", line).message;
  const [, path, message] = match as unknown as [string, string, string | undefined];
  const prefix = path.slice(0, path.lastIndexOf(".") + 1);
  const { name, message: text } = normaliseError(path.slice(prefix.length), message ?? "");
  return text ? `${prefix}${name}: ${text}` : `${prefix}${name}`;
}

/** What of a result a policy reads, beyond the preset's wording. */
export interface FeedbackParts {
  /** Of an exception: the traceback's last line, or the whole traceback. Default: as the preset does. */
  errors?: "lastLine" | "traceback";
  /** Whether the value of the last expression stands below what was printed. Default false (CIR). */
  value?: boolean;
}

/**
 * What is appended to the context between "```output" and the closing fence: standard output where the snippet ended
 * well, else one line. Stripped, then cut to `maxOutputChars` with {@link cutMiddle}.
 *
 * @param maxOutputChars default 400 (CIR).
 * @throws InfrastructureError for status `"infrastructure"`: that is never the code's fault and never becomes text.
 */
export function cirFeedback(result: ExecutionResult, maxOutputChars = 400): string {
  return cutMiddle(cirText(result), maxOutputChars);
}

/** {@link cirFeedback} before it is cut. */
export function cirText(result: ExecutionResult, parts: FeedbackParts = {}): string {
  return pythonStrip(wordsFor(result, parts));
}

/** Standard output, and where asked for the value of the last expression below it, as a notebook shows it. */
export function printedText({ stdout, value }: ExecutionResult, withValue: boolean | undefined): string {
  if (!withValue || value === undefined) return stdout;
  return `${stdout}${stdout === "" || stdout.endsWith("\n") ? "" : "\n"}${value}\n`;
}

/** The error of a result without a result. */
export function noResult(result: ExecutionResult): InfrastructureError {
  return new InfrastructureError(
    `A snippet has no result: ${result.stderr || "its interpreter failed"}`,
    "Run it again or drop the rollout; a failure of the interpreter is never shown to a policy.",
  );
}

function wordsFor(result: ExecutionResult, { errors, value }: FeedbackParts): string {
  switch (result.status) {
    case "ok": {
      const printed = printedText(result, value);
      return pythonStrip(printed) === "" ? nothingPrintedLine : printed;
    }
    case "error":
      return (errors === "traceback" ? result.error?.traceback : result.error?.lastLine) ?? crashLine;
    case "timeout":
      return timeoutLine;
    case "memory":
      return memoryLine;
    case "outputLimit":
      return outputLimitLine;
    case "crash":
      return crashLine;
    case "infrastructure":
      throw noResult(result);
  }
}
