// Quotients of polynomials in many generators with exact rational coefficients. A generator is a symbol, a root, a power or
// a function's value; some have a relation that rewrites a power of them (√2² = 2, i² = -1, sin² = 1 - cos²).
import { add, divide, isInteger, multiply, one, type Rational, rational, TooLargeError, text } from "./rational.ts";

interface Term {
  readonly coefficient: Rational;
  /** Generators with their exponents, sorted by name. */
  readonly monomial: readonly (readonly [generator: string, exponent: number])[];
}

/** Terms by the text of their monomial; no coefficient is zero. */
export type Polynomial = ReadonlyMap<string, Term>;

/** `numerator / denominator`; not reduced. */
export interface Fraction {
  readonly numerator: Polynomial;
  readonly denominator: Polynomial;
}

const maxTerms = 300;
const maxExponent = 10_000;
const maxProducts = 60_000;

/** `generator ** degree` is `value`. */
export interface Relation {
  degree: number;
  value: Polynomial;
}

/** The generators of one comparison, their relations, and how much work is left. */
export class Algebra {
  readonly relations = new Map<string, Relation>();
  #products = maxProducts;

  constant(value: Rational): Polynomial {
    return value.n === 0n ? new Map() : new Map([["", { coefficient: value, monomial: [] }]]);
  }

  generator(name: string, exponent = 1): Polynomial {
    return new Map([[`${name}^${exponent}`, { coefficient: one, monomial: [[name, exponent]] }]]);
  }

  add(a: Polynomial, b: Polynomial): Polynomial {
    return this.#accumulate(new Map(a), b);
  }

  #accumulate(result: Map<string, Term>, b: Polynomial): Polynomial {
    for (const [key, term] of b) {
      const there = result.get(key);
      const coefficient = there ? add(there.coefficient, term.coefficient) : term.coefficient;
      if (coefficient.n === 0n) result.delete(key);
      else result.set(key, { coefficient, monomial: term.monomial });
    }
    if (result.size > maxTerms) throw new TooLargeError("too many terms");
    return result;
  }

  scale(a: Polynomial, by: Rational): Polynomial {
    if (by.n === 0n) return new Map();
    return new Map(
      [...a].map(([key, term]) => [key, { ...term, coefficient: multiply(term.coefficient, by) }] as const),
    );
  }

  multiply(a: Polynomial, b: Polynomial): Polynomial {
    const result = new Map<string, Term>();
    for (const x of a.values()) for (const y of b.values()) this.#accumulate(result, this.#product(x, y));
    return result;
  }

  #product(x: Term, y: Term): Polynomial {
    if (--this.#products < 0) throw new TooLargeError("too much work");
    const exponents = new Map(x.monomial);
    for (const [name, exponent] of y.monomial) exponents.set(name, (exponents.get(name) ?? 0) + exponent);
    let reduced: Polynomial | undefined;
    for (const [name, exponent] of exponents) {
      const relation = this.relations.get(name);
      if (relation && exponent >= relation.degree) {
        exponents.set(name, exponent % relation.degree);
        const value = this.power(relation.value, Math.floor(exponent / relation.degree));
        reduced = reduced ? this.multiply(reduced, value) : value;
      } else if (exponent > maxExponent) throw new TooLargeError("exponent");
    }
    const monomial = [...exponents].filter(([, exponent]) => exponent).sort(([p], [q]) => (p < q ? -1 : 1));
    const coefficient = multiply(x.coefficient, y.coefficient);
    const key = monomial.map(([name, exponent]) => `${name}^${exponent}`).join(" ");
    const rest: Polynomial = new Map([[key, { coefficient, monomial }]]);
    return reduced ? this.multiply(rest, reduced) : rest;
  }

  power(a: Polynomial, exponent: number): Polynomial {
    if (exponent > maxExponent) throw new TooLargeError("exponent");
    let result = this.constant(one);
    let square = a;
    for (let e = exponent; e > 0; e >>= 1) {
      if (e & 1) result = this.multiply(result, square);
      if (e > 1) square = this.multiply(square, square);
    }
    return result;
  }

  fraction(numerator: Polynomial, denominator: Polynomial = this.constant(one)): Fraction {
    if (denominator.size === 0) throw new RangeError("division by zero");
    const by = constantOf(denominator);
    if (!by) return { numerator, denominator };
    return { numerator: this.scale(numerator, divide(one, by)), denominator: this.constant(one) };
  }

  addFractions(a: Fraction, b: Fraction): Fraction {
    if (keyOf(a.denominator) === keyOf(b.denominator))
      return this.fraction(this.add(a.numerator, b.numerator), a.denominator);
    return this.fraction(
      this.add(this.multiply(a.numerator, b.denominator), this.multiply(b.numerator, a.denominator)),
      this.multiply(a.denominator, b.denominator),
    );
  }

  multiplyFractions(a: Fraction, b: Fraction): Fraction {
    return this.fraction(this.multiply(a.numerator, b.numerator), this.multiply(a.denominator, b.denominator));
  }

  powerOfFraction(a: Fraction, exponent: number): Fraction {
    if (exponent < 0) return this.powerOfFraction(this.fraction(a.denominator, a.numerator), -exponent);
    return this.fraction(this.power(a.numerator, exponent), this.power(a.denominator, exponent));
  }

  equalFractions(a: Fraction, b: Fraction): boolean {
    const left = this.multiply(a.numerator, b.denominator);
    const right = this.multiply(b.numerator, a.denominator);
    return this.add(left, this.scale(right, rational(-1n))).size === 0;
  }
}

/** The number that a polynomial is, or undefined where it has a generator. */
export function constantOf(a: Polynomial): Rational | undefined {
  if (a.size === 0) return rational(0n);
  return a.size === 1 ? a.get("")?.coefficient : undefined;
}

/** The number that a fraction is, or undefined. */
export function rationalOf(a: Fraction): Rational | undefined {
  const above = constantOf(a.numerator);
  const below = constantOf(a.denominator);
  return above && below && below.n !== 0n ? divide(above, below) : undefined;
}

/** The whole number that a fraction is, within the range of exponents; else undefined. */
export function integerOf(a: Fraction): number | undefined {
  const value = rationalOf(a);
  return value && isInteger(value) && value.n >= -10_000n && value.n <= 10_000n ? Number(value.n) : undefined;
}

/** The same text for the same polynomial and only then. */
export const keyOf = (a: Polynomial): string =>
  [...a.keys()]
    .sort()
    .map((key) => `${text(a.get(key)!.coefficient)} ${key}`)
    .join(" + ");

export const keyOfFraction = (a: Fraction): string => `(${keyOf(a.numerator)})/(${keyOf(a.denominator)})`;

/** The term whose monomial comes first; decides signs. */
export function leading(a: Polynomial): Term | undefined {
  const first = [...a.keys()].sort().at(-1);
  return first === undefined ? undefined : a.get(first);
}

export const generatorsOf = (a: Polynomial): string[] => [
  ...new Set([...a.values()].flatMap(({ monomial }) => monomial.map(([name]) => name))),
];
