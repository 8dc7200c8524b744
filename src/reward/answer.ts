/**
 * The content of the last `\boxed{…}`, nested braces included.
 *
 * @returns undefined when there is none or the last one is not closed.
 */
export function lastBoxed(text: string): string | undefined {
  const opening = "\\boxed{";
  const at = text.lastIndexOf(opening);
  if (at < 0) return undefined;
  const start = at + opening.length;
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return text.slice(start, i).trim();
  }
  return undefined;
}

/** Removes what does not change an answer's meaning: spaces, dollar signs, sizes of brackets, thousands separators. */
function normalise(answer: string): string {
  return answer
    .replace(/\\left(?![a-z])|\\right(?![a-z])|\\[,!;: ]|\$|\s/g, "")
    .replace(/\\[dt]frac/g, "\\frac")
    .replace(/\{,\}/g, ",")
    .replace(/^([-+]?\d{1,3}(?:,\d{3})+)(\.\d+)?$/, (number) => number.replaceAll(",", ""))
    .replace(/\.$/, "");
}

/** Longest answer that is read as a number; beyond it exact arithmetic would only cost time. */
const MAX_NUMBER_LENGTH = 400;
const DECIMAL = String.raw`\d+\.\d*|\.\d+|\d+`;
const QUOTIENT = new RegExp(
  String.raw`^([-+]?)(?:(${DECIMAL})|([-+]?\d+)\/([-+]?\d+)|\\frac\{([-+]?\d+)\}\{([-+]?\d+)\}|\\frac(\d)(\d))$`,
);

/** An exact rational number, or undefined where the text is something else. */
function rational(text: string): [numerator: bigint, denominator: bigint] | undefined {
  if (text.length > MAX_NUMBER_LENGTH) return undefined;
  const match = QUOTIENT.exec(text);
  if (!match) return undefined;
  const sign = match[1] === "-" ? -1n : 1n;
  const decimal = match[2];
  if (decimal !== undefined) {
    const [whole = "", fraction = ""] = decimal.split(".");
    return [sign * BigInt(whole + fraction), 10n ** BigInt(fraction.length)];
  }
  const integer = (digits: string | undefined): bigint => BigInt((digits ?? "").replace("+", ""));
  const denominator = integer(match[4] ?? match[6] ?? match[8]);
  return denominator === 0n ? undefined : [sign * integer(match[3] ?? match[5] ?? match[7]), denominator];
}

/**
 * Whether two answers are the same: equal after normalisation, or exactly equal as integers, decimals or fractions
 * (`1/2`, `0.5` and `\frac{1}{2}` agree). Symbolic equality is not tried.
 */
export function sameAnswer(given: string, expected: string): boolean {
  const a = normalise(given);
  const b = normalise(expected);
  if (a === b) return a !== "";
  const x = rational(a);
  const y = rational(b);
  return x !== undefined && y !== undefined && x[0] * y[1] === y[0] * x[1];
}
