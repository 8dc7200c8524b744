/** An exact rational number in lowest terms; the denominator is positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** A value or form grew beyond what the exact stage works with. Not an error of the answer: other stages go on. */
export class TooLargeError extends Error {}

/** Exact numbers beyond this many bits are left alone: they would only cost time. */
const maxBits = 20_000;

/** Number of bits, to within four. */
export const bitLength = (x: bigint): number => x.toString(16).length * 4;

export function gcd(a: bigint, b: bigint): bigint {
  a = a < 0n ? -a : a;
  b = b < 0n ? -b : b;
  while (b) [a, b] = [b, a % b];
  return a;
}

/** @throws RangeError where the denominator is zero. */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 1n) return { n, d };
  if (d === 0n) throw new RangeError("division by zero");
  const common = gcd(n, d) * (d < 0n ? -1n : 1n);
  return { n: n / common, d: d / common };
}

export const zero: Rational = rational(0n);
export const one: Rational = rational(1n);
export const add = (a: Rational, b: Rational): Rational => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const multiply = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);
export const isInteger = (a: Rational): boolean => a.d === 1n;
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
export const sign = (a: Rational): number => (a.n > 0n ? 1 : a.n < 0n ? -1 : 0);
export const text = (a: Rational): string => (a.d === 1n ? String(a.n) : `${a.n}/${a.d}`);
export const abs = (a: Rational): Rational => (a.n < 0n ? negate(a) : a);
export const compare = (a: Rational, b: Rational): number => sign(add(a, negate(b)));

/** Largest integer that is not above. */
export function floor(a: Rational): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && quotient * a.d !== a.n ? quotient - 1n : quotient;
}

/** @throws TooLargeError where the result would have more than 20,000 bits. */
export function power(base: Rational, exponent: bigint): Rational {
  if (exponent < 0n) return power(divide(one, base), -exponent);
  const trivial = (base.n === 0n || base.n === 1n || base.n === -1n) && base.d === 1n;
  const bits = Math.max(bitLength(base.n), bitLength(base.d));
  if (!trivial && exponent * BigInt(bits) > BigInt(maxBits)) throw new TooLargeError("power");
  const e = trivial ? exponent % 2n || (exponent ? 2n : 0n) : exponent;
  return { n: base.n ** e, d: base.d ** e };
}

/** The number nearest to it that a double can hold. */
export function toNumber(a: Rational): number {
  const whole = Number(a.n) / Number(a.d);
  if (Number.isFinite(whole)) return whole;
  const shift = BigInt(Math.max(0, Math.max(bitLength(a.n), bitLength(a.d)) - 1000));
  return Number(a.n >> shift) / Number(a.d >> shift);
}

/** The whole root of degree `k` of a number that is not negative, rounded down. */
export function integerRoot(x: bigint, k: number): bigint {
  if (x < 2n) return x;
  const degree = BigInt(k);
  let guess = 1n << BigInt(Math.floor(bitLength(x) / k) + 1);
  for (;;) {
    const next = ((degree - 1n) * guess + x / guess ** (degree - 1n)) / degree;
    if (next >= guess) return guess;
    guess = next;
  }
}

/**
 * Prime factors with their multiplicity, by trial division up to 10,000; what is left then stands as one factor (a perfect
 * power of it is split). For factors of radicals and logarithms a composite left-over is no mistake, only less simple.
 */
export function factors(x: bigint): [factor: bigint, multiplicity: number][] {
  const found: [bigint, number][] = [];
  for (let p = 2n; p < 10_000n && p * p <= x; p += p === 2n ? 1n : 2n) {
    let times = 0;
    while (x % p === 0n) {
      x /= p;
      times++;
    }
    if (times) found.push([p, times]);
  }
  for (const k of [7, 5, 3, 2]) {
    const root = integerRoot(x, k);
    if (x > 1n && root ** BigInt(k) === x) return [...found, [root, k]];
  }
  if (x > 1n) found.push([x, 1]);
  return found;
}
