// Sampling in complex doubles. It may reject alone; it accepts alone only closed analytic forms, and only on request.
import { bitLength, divide, multiply, one, type Rational, toNumber } from "./rational.ts";
import { parts, someTree, symbolsOf, type Tree } from "./tree.ts";

/** A complex number, with the largest magnitude that its computation passed through: what rounding is relative to. */
interface Complex {
  readonly re: number;
  readonly im: number;
  readonly scale: number;
}

const of = (re: number, im = 0, scale = 0): Complex => ({ re, im, scale: Math.max(scale, Math.hypot(re, im)) });
const plus = (a: Complex, b: Complex): Complex => of(a.re + b.re, a.im + b.im, Math.max(a.scale, b.scale));

/** Rounding noise grows with the other factor: √5 - √5 times 10⁸ is noise of 10⁸. */
function times(a: Complex, b: Complex): Complex {
  const scale = Math.max(a.scale * Math.hypot(b.re, b.im), b.scale * Math.hypot(a.re, a.im));
  return of(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, scale);
}

function ln(a: Complex): Complex {
  const size = Math.hypot(a.re, a.im);
  const noise = a.scale / size;
  return of(Math.log(size), Math.atan2(a.im, a.re), noise);
}

function exp(a: Complex): Complex {
  const size = Math.exp(a.re);
  return of(size * Math.cos(a.im), size * Math.sin(a.im), size * Math.max(1, a.scale));
}

function reciprocal(a: Complex): Complex {
  const square = a.re * a.re + a.im * a.im;
  return of(a.re / square, -a.im / square, a.scale / square);
}

function toPower(base: Complex, exponent: Complex): Complex {
  if (exponent.im === 0 && Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 64) {
    let result = of(1);
    for (let k = 0; k < Math.abs(exponent.re); k++) result = times(result, base);
    return exponent.re < 0 ? reciprocal(result) : result;
  }
  if (base.re === 0 && base.im === 0) return exponent.re > 0 ? of(0) : of(Number.NaN);
  return exp(times(exponent, ln(base)));
}

const half = of(0.5);
const i = of(0, 1);
const minus = (a: Complex): Complex => ({ re: -a.re, im: -a.im, scale: a.scale });
const root = (a: Complex): Complex => toPower(a, half);

function sine(a: Complex): Complex {
  return of(Math.sin(a.re) * Math.cosh(a.im), Math.cos(a.re) * Math.sinh(a.im), Math.max(a.scale, Math.cosh(a.im)));
}
function cosine(a: Complex): Complex {
  return of(Math.cos(a.re) * Math.cosh(a.im), -Math.sin(a.re) * Math.sinh(a.im), Math.max(a.scale, Math.cosh(a.im)));
}

const realOnly = (a: Complex, f: (x: number) => number): Complex =>
  Math.abs(a.im) < 1e-12 * Math.max(1, a.scale) ? of(f(a.re), 0, a.scale) : of(Number.NaN);

const functions: Record<string, (a: Complex, b?: Complex) => Complex> = {
  sin: sine,
  cos: cosine,
  tan: (a) => times(sine(a), reciprocal(cosine(a))),
  cot: (a) => times(cosine(a), reciprocal(sine(a))),
  sec: (a) => reciprocal(cosine(a)),
  csc: (a) => reciprocal(sine(a)),
  sinh: (a) => times(half, plus(exp(a), minus(exp(minus(a))))),
  cosh: (a) => times(half, plus(exp(a), exp(minus(a)))),
  tanh: (a) => times(functions.sinh!(a), reciprocal(functions.cosh!(a))),
  arcsin: (a) => minus(times(i, ln(plus(times(i, a), root(plus(of(1), minus(times(a, a)))))))),
  arccos: (a) => plus(of(Math.PI / 2), minus(functions.arcsin!(a))),
  arctan: (a) => times(times(half, i), plus(ln(plus(of(1), minus(times(i, a)))), minus(ln(plus(of(1), times(i, a)))))),
  ln,
  log: (a, base) => times(ln(a), reciprocal(ln(base ?? of(10)))),
  abs: (a) => of(Math.hypot(a.re, a.im), 0, a.scale),
  floor: (a) => realOnly(a, Math.floor),
  ceil: (a) => realOnly(a, Math.ceil),
  Re: (a) => of(a.re, 0, a.scale),
  Im: (a) => of(a.im, 0, a.scale),
  overline: (a) => of(a.re, -a.im, a.scale),
  factorial: (a) => realOnly(a, factorial),
  binom: (n, k) =>
    k && Number.isInteger(n.re) && Number.isInteger(k.re) && k.re >= 0 && k.re <= n.re
      ? of(Math.round(factorial(n.re) / factorial(k.re) / factorial(n.re - k.re)))
      : of(Number.NaN),
};

function factorial(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 170) return Number.NaN;
  let result = 1;
  for (let k = 2; k <= n; k++) result *= k;
  return result;
}

/** An exponent like `2/3`, which the parser leaves as a product. */
function smallFraction(tree: Tree): Rational | undefined {
  if (tree.kind === "number") return tree.value;
  if (tree.kind !== "multiply") return undefined;
  let value = one;
  for (const item of tree.items) {
    const inverse = item.kind === "power" && item.exponent.kind === "number" && item.exponent.value.n === -1n;
    const factor = inverse ? item.base : item;
    if (factor.kind !== "number" || factor.value.n === 0n) return undefined;
    value = inverse ? divide(value, factor.value) : multiply(value, factor.value);
  }
  return bitLength(value.n) < 40 && bitLength(value.d) < 40 ? value : undefined;
}

/** The real root of a negative number, as the exact form has it; else the principal one. */
function oddRoot(a: Complex, degree: number): Complex {
  const negative = Math.abs(a.im) <= 1e-14 * a.scale && a.re < 0;
  return negative ? minus(toPower(of(-a.re, 0, a.scale), of(1 / degree))) : toPower(a, of(1 / degree));
}

/** Value of an expression; NaN where it has none or is not known. */
export function evaluate(tree: Tree, at: ReadonlyMap<string, Complex>): Complex {
  switch (tree.kind) {
    case "number":
      return of(toNumber(tree.value));
    case "symbol":
      return at.get(tree.name) ?? of(Number.NaN);
    case "constant":
      return { pi: of(Math.PI), e: of(Math.E), i, infinity: of(Number.POSITIVE_INFINITY) }[tree.name];
    case "add":
      return tree.items.map((item) => evaluate(item, at)).reduce(plus);
    case "multiply":
      return tree.items.map((item) => evaluate(item, at)).reduce(times);
    case "power": {
      const base = evaluate(tree.base, at);
      const fraction = smallFraction(tree.exponent);
      if (!fraction || fraction.d % 2n === 0n || fraction.d === 1n) return toPower(base, evaluate(tree.exponent, at));
      return toPower(oddRoot(base, Number(fraction.d)), of(Number(fraction.n)));
    }
    case "root": {
      const value = evaluate(tree.of, at);
      return tree.degree % 2 ? oddRoot(value, tree.degree) : toPower(value, of(1 / tree.degree));
    }
    case "call": {
      const items = tree.items.map((item) => evaluate(item, at));
      return Object.hasOwn(functions, tree.name) ? functions[tree.name]!(items[0]!, items[1]) : of(Number.NaN);
    }
    default:
      return of(Number.NaN);
  }
}

/** Value of a real constant, or undefined. */
export function realValue(tree: Tree): number | undefined {
  if (tree.kind === "constant" && tree.name === "infinity") return Number.POSITIVE_INFINITY;
  if (tree.kind === "multiply" && tree.items.some((item) => item.kind === "constant" && item.name === "infinity")) {
    const others = tree.items.filter((item) => item.kind !== "constant");
    const factor = others.map(realValue).reduce<number>((a, b) => a * (b ?? Number.NaN), 1);
    return Number.isNaN(factor) ? undefined : factor * Number.POSITIVE_INFINITY;
  }
  if (symbolsOf(tree).length) return undefined;
  const { re, im, scale } = evaluate(tree, new Map());
  return Number.isFinite(re) && Math.abs(im) <= 1e-12 * Math.max(1, scale) ? re : undefined;
}

const notAnalytic = new Set(["abs", "floor", "ceil", "Re", "Im", "overline", "max", "min", "gcd", "lcm", "det"]);
const wholeOnly = new Set(["factorial", "binom"]);
const calls = (tree: Tree, names: ReadonlySet<string>): boolean =>
  someTree(tree, (at) => at.kind === "call" && names.has(at.name));

/** Whether the expression is analytic, so that agreement at points of the complex plane is strong evidence. */
export const isAnalytic = (tree: Tree): boolean => !calls(tree, notAnalytic) && !calls(tree, wholeOnly);

const modestExponent = 4;
const modestBits = 16;

/**
 * Whether all constants are of a size that shows in a double beside the rest: `\sin x + 10^{-20}` agrees with the sine at
 * every point that can be computed.
 */
export function isModest(tree: Tree): boolean {
  if (tree.kind === "number" && bitLength(tree.value.d) > modestBits) return false;
  if (symbolsOf(tree).length === 0) {
    const { re, im } = evaluate(tree, new Map());
    const size = Math.hypot(re, im);
    if (size !== 0 && !(size >= 1e-2 && size <= 1e4)) return false;
  }
  if (
    tree.kind === "power" &&
    tree.exponent.kind === "number" &&
    Math.abs(toNumber(tree.exponent.value)) > modestExponent
  )
    return false;
  if (tree.kind === "multiply" || tree.kind === "add") {
    const constants = tree.items.filter((item) => symbolsOf(item).length === 0);
    if (
      constants.length > 1 &&
      constants.length < tree.items.length &&
      !isModest({ kind: tree.kind, items: constants })
    )
      return false;
  }
  return parts(tree).every(isModest);
}

/** Numbers in [0, 1) from a seed: mulberry32. */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What sampling found: a point where the two differ, agreement at some points, or no point where both have a value. */
export interface Sampling {
  differ: boolean;
  /** Points where both have a value and agree to 12 digits of what rounding lets through. */
  agreed: number;
  /** No point was in doubt, that is between agreeing and differing. */
  clear: boolean;
}

const kinds = ["positive", "negative", "complex", "small", "complex", "large", "far"] as const;

/**
 * Compares two expressions at seeded points: positive, negative and complex ones (whole or real ones where they must be),
 * large and small, since what a root hides may show only beyond some bound: √((5 - x)²) is 5 - x up to 5.
 */
export function sample(a: Tree, b: Tree): Sampling {
  const names = [...new Set([...symbolsOf(a), ...symbolsOf(b)])];
  const random = randomNumbers(20_251_123);
  const whole = calls(a, wholeOnly) || calls(b, wholeOnly);
  const real = calls(a, notAnalytic) || calls(b, notAnalytic);
  const points = names.length ? 42 : 1;
  const result = { differ: false, agreed: 0, clear: true };
  for (let k = 0; k < points; k++) {
    const kind = kinds[k % kinds.length]!;
    const at = new Map<string, Complex>();
    for (const name of names) {
      const r = random();
      if (whole) at.set(name, of(1 + Math.floor(r * 12)));
      else if (kind === "negative") at.set(name, of(-0.2 - 2.8 * r));
      else if (kind === "small") at.set(name, of(0.05 + 0.9 * r));
      else if (kind === "large") at.set(name, of((random() < 0.5 ? -1 : 1) * (3 + 40 * r)));
      else if (kind === "far") at.set(name, of((random() < 0.5 ? -1 : 1) * 10 ** (1.5 + 6 * r)));
      else if (kind === "complex" && !real) at.set(name, of(0.3 + 1.5 * r, 1.6 * random() - 0.8));
      else at.set(name, of(0.3 + 3.1 * r));
    }
    const [x, y] = [evaluate(a, at), evaluate(b, at)];
    const distance = Math.hypot(x.re - y.re, x.im - y.im);
    if (!Number.isFinite(distance) || !Number.isFinite(x.scale + y.scale)) continue;
    const noise = Math.max(x.scale, y.scale);
    const size = Math.max(Math.hypot(x.re, x.im), Math.hypot(y.re, y.im));
    if (distance > 1e-11 * noise) return { ...result, differ: true };
    if (distance <= 1e-12 * noise && size > 1e-3 * noise) result.agreed++;
    else if (distance > 1e-12 * noise) result.clear = false;
  }
  return result;
}
