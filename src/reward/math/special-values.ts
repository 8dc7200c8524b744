import * as Q from "./rational.ts";
import { difference, negative, num, quotient, sum, type Tree } from "./tree.ts";

const root = (n: number): Tree => ({ kind: "root", of: num(n), degree: 2 });
/** Sines of k/60 of a half turn, for the angles of the first quadrant that plain square roots express. */
const sines: Record<number, Tree> = {
  0: num(0),
  5: quotient(difference(root(6), root(2)), num(4)),
  6: quotient(difference(root(5), num(1)), num(4)),
  10: num(1, 2),
  15: quotient(root(2), num(2)),
  18: quotient(sum(num(1), root(5)), num(4)),
  20: quotient(root(3), num(2)),
  25: quotient(sum(root(6), root(2)), num(4)),
  30: num(1),
};

/** The sine or cosine of a multiple of π, where it is in the table. */
export function trigonometric(name: "sin" | "cos", multiple: Q.Rational): Tree | undefined {
  const steps = Q.multiply(multiple, Q.rational(60n));
  if (steps.d !== 1n) return undefined;
  let at = Number((((steps.n + (name === "cos" ? 30n : 0n)) % 120n) + 120n) % 120n);
  const below = at > 60;
  if (below) at -= 60;
  const value = sines[at > 30 ? 60 - at : at];
  return value && (below ? negative(value) : value);
}

const whole = (...values: Q.Rational[]): boolean => values.every((value) => value.d === 1n);
const small = (value: Q.Rational, limit: bigint): boolean => value.n >= 0n && value.n <= limit;

function factorial(n: bigint): bigint {
  let result = 1n;
  for (let k = 2n; k <= n; k++) result *= k;
  return result;
}

function binomial(n: bigint, k: bigint): bigint {
  if (k > n) return 0n;
  let result = 1n;
  for (let j = 1n; j <= k; j++) result = (result * (n - k + j)) / j;
  return result;
}

/**
 * A function of rational numbers whose value is rational, exactly; undefined where it is none of these.
 *
 * @throws TooLargeError where the value is too large to write out.
 */
export function rationalFunction(name: string, values: readonly Q.Rational[]): Q.Rational | undefined {
  const [a, b] = values;
  if (!a) return undefined;
  switch (name) {
    case "abs":
      return Q.abs(a);
    case "floor":
      return Q.rational(Q.floor(a));
    case "ceil":
      return Q.rational(-Q.floor(Q.negate(a)));
    case "factorial":
      if (!whole(a) || a.n < 0n) return undefined;
      if (!small(a, 1500n)) throw new Q.TooLargeError("factorial");
      return Q.rational(factorial(a.n));
    case "binom":
      if (!b || !whole(a, b) || a.n < 0n || b.n < 0n) return undefined;
      if (!small(a, 100_000n) || !small(b, 1000n)) throw new Q.TooLargeError("binomial coefficient");
      return Q.rational(binomial(a.n, b.n));
    case "max":
      return values.reduce((x, y) => (Q.compare(x, y) >= 0 ? x : y));
    case "min":
      return values.reduce((x, y) => (Q.compare(x, y) <= 0 ? x : y));
    case "gcd":
      return whole(...values) ? Q.rational(values.reduce((x, y) => Q.gcd(x, y.n), 0n)) : undefined;
    case "lcm": {
      if (!whole(...values) || values.some(({ n }) => n === 0n)) return undefined;
      const multiple = values.reduce((x, y) => (x * y.n) / Q.gcd(x, y.n), 1n);
      return Q.abs(Q.rational(multiple));
    }
    default:
      return undefined;
  }
}
