import type { Verdict } from "./options.ts";
import { equal, type Rational, rational, text } from "./rational.ts";

const decimal = /^([-+]?)(\d{1,60})(?:\.(\d{1,60}))?$/;
const quotient = /^([-+]?)(?:(\d{1,60})\/(\d{1,60})|\\[dt]?frac\{(\d{1,60})\}\{(\d{1,60})\})$/;

function numberOf(source: string): Rational | undefined {
  const whole = decimal.exec(source);
  if (whole) {
    const [, sign, digits, fraction = ""] = whole;
    return rational(BigInt(digits + fraction) * (sign === "-" ? -1n : 1n), 10n ** BigInt(fraction.length));
  }
  const parts = quotient.exec(source);
  const below = BigInt(parts?.[3] ?? parts?.[5] ?? 0);
  if (!parts || below === 0n) return undefined;
  return rational(BigInt(parts[2] ?? parts[4]!) * (parts[1] === "-" ? -1n : 1n), below);
}

/**
 * The verdict on two short plain numbers (integers, decimals, fractions), which cannot take long and so needs no process
 * of its own. Undefined for everything else.
 */
export function quickVerdict(gold: string, answer: string): Verdict | undefined {
  if (gold.length > 150 || answer.length > 150) return undefined;
  const [a, b] = [numberOf(gold.trim()), numberOf(answer.trim())];
  if (!a || !b) return undefined;
  const same = gold.trim() === answer.trim();
  return { equal: equal(a, b), how: same ? "identical" : "exact", notes: [], gold: text(a), answer: text(b) };
}
