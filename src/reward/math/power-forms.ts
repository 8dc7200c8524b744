import { Algebra, type Fraction, integerOf, keyOf, keyOfFraction, rationalOf } from "./polynomial.ts";
import * as Q from "./rational.ts";
import { trigonometric } from "./special-values.ts";
import type { Tree } from "./tree.ts";

/** The expression has no exact form here (it is no plain expression, or not defined). */
export class NoFormError extends Error {}

/** Exact forms of powers and roots: primes under roots, exponents split into their terms, nested roots taken apart. */
export abstract class PowerForms {
  readonly algebra = new Algebra();

  /** The exact form of a tree. */
  abstract form(tree: Tree): Fraction;

  protected constant(value: Q.Rational): Fraction {
    return this.algebra.fraction(this.algebra.constant(value));
  }

  protected generator(name: string): Fraction {
    return this.algebra.fraction(this.algebra.generator(name));
  }

  protected scaled(a: Fraction, by: Q.Rational): Fraction {
    return this.algebra.multiplyFractions(a, this.constant(by));
  }

  protected power(base: Fraction, exponent: Fraction): Fraction {
    const { algebra } = this;
    const whole = integerOf(exponent);
    if (whole !== undefined) {
      const value = rationalOf(base);
      if (value) {
        if (value.n === 0n && whole <= 0) throw new RangeError("0 to a power that is not positive");
        return this.constant(Q.power(value, BigInt(whole)));
      }
      return algebra.powerOfFraction(base, whole);
    }
    const turned = this.#turn(base, exponent);
    if (turned) return turned;
    const number = rationalOf(base);
    if (number && number.n === 1n && number.d === 1n) return base;
    if (number?.n === 0n) throw new NoFormError("a power of zero");
    if (rationalOf(exponent.denominator.size ? algebra.fraction(exponent.denominator) : exponent) === undefined)
      return this.generator(`pow(${keyOfFraction(base)}|${keyOfFraction(exponent)})`);
    // A positive number to a symbolic power splits into its primes: logarithms of positive numbers add up.
    if (number && Q.sign(number) > 0) {
      let result = this.constant(Q.one);
      for (const [side, direction] of [
        [number.n, 1],
        [number.d, -1],
      ] as const)
        for (const [prime, times] of Q.factors(side))
          result = algebra.multiplyFractions(
            result,
            this.#powerOfOne(
              this.constant(Q.rational(prime)),
              this.scaled(exponent, Q.rational(BigInt(direction * times))),
            ),
          );
      return result;
    }
    return this.#powerOfOne(base, exponent);
  }

  /** `e ** (i t)` for a multiple t of π whose sine and cosine are in the table. */
  #turn(base: Fraction, exponent: Fraction): Fraction | undefined {
    const { algebra } = this;
    const [only] = exponent.numerator.size === 1 ? [...exponent.numerator.values()] : [];
    if (!only || keyOf(base.numerator) !== "1 e^1" || rationalOf(algebra.fraction(exponent.denominator)) === undefined)
      return undefined;
    if (only.monomial.map(([name, e]) => `${name}^${e}`).join() !== "i^1,pi^1") return undefined;
    const [cosine, sine] = [trigonometric("cos", only.coefficient), trigonometric("sin", only.coefficient)];
    if (!cosine || !sine) return undefined;
    const i = this.form({ kind: "constant", name: "i" });
    return algebra.addFractions(this.form(cosine), algebra.multiplyFractions(i, this.form(sine)));
  }

  /** `base ** (c + d m + …)` is `base ** c` times `(base ** (m / q)) ** p` for d = p / q. */
  #powerOfOne(base: Fraction, exponent: Fraction): Fraction {
    const { algebra } = this;
    let result = this.constant(Q.one);
    for (const { coefficient, monomial } of exponent.numerator.values()) {
      let factor: Fraction;
      if (!monomial.length) {
        if (Q.abs(coefficient).n > 200n || coefficient.d > 100n) throw new Q.TooLargeError("exponent");
        const whole = Q.floor(coefficient);
        const rest = Q.add(coefficient, Q.rational(-whole));
        factor = this.power(base, this.constant(Q.rational(whole)));
        if (rest.n) factor = algebra.multiplyFractions(factor, this.root(base, Number(rest.d), Number(rest.n)));
      } else {
        if (Q.abs(coefficient).n > 200n) throw new Q.TooLargeError("exponent");
        const name = monomial.map(([generator, e]) => `${generator}^${e}`).join(" ");
        factor = algebra.powerOfFraction(
          this.generator(`pow(${keyOfFraction(base)}|${name}/${coefficient.d})`),
          Number(coefficient.n),
        );
      }
      result = algebra.multiplyFractions(result, factor);
    }
    return result;
  }

  /** `(base ** (1 / degree)) ** times`, with 0 < times < degree. */
  protected root(base: Fraction, degree: number, times: number): Fraction {
    const { algebra } = this;
    const value = rationalOf(base);
    if (value) {
      if (value.n === 0n) return base;
      if (Q.sign(value) > 0) return this.#rootOfNumber(value, degree, times);
      // An odd root of a negative number is the real one, as schools write it.
      if (degree % 2)
        return this.scaled(this.#rootOfNumber(Q.negate(value), degree, times), Q.rational(times % 2 ? -1n : 1n));
      if (degree !== 2) return this.#opaqueRoot(base, degree, times);
      return algebra.multiplyFractions(
        this.form({ kind: "constant", name: "i" }),
        this.#rootOfNumber(Q.negate(value), 2, 1),
      );
    }
    if (degree === 2 && times === 1) {
      const simple = this.#denest(base);
      if (simple) return simple;
    }
    // A positive factor may leave the root: √(4x) is 2√x.
    const content = this.#content(base);
    const rest = this.scaled(base, Q.divide(Q.one, content));
    const outside = this.power(this.constant(content), this.constant(Q.rational(BigInt(times), BigInt(degree))));
    return algebra.multiplyFractions(outside, this.#opaqueRoot(rest, degree, times));
  }

  #rootOfNumber(value: Q.Rational, degree: number, times: number): Fraction {
    const { algebra } = this;
    let result = this.constant(Q.one);
    for (const [side, direction] of [
      [value.n, 1n],
      [value.d, -1n],
    ] as const)
      for (const [prime, multiplicity] of Q.factors(side)) {
        const exponent = Q.rational(direction * BigInt(multiplicity * times), BigInt(degree));
        const whole = Q.floor(exponent);
        const rest = Q.add(exponent, Q.rational(-whole));
        result = this.scaled(result, Q.power(Q.rational(prime), whole));
        if (!rest.n) continue;
        const name = `root(${prime}|${rest.d})`;
        const of = algebra.constant(Q.rational(prime));
        algebra.relations.set(name, { degree: Number(rest.d), value: of });
        result = algebra.multiplyFractions(result, algebra.powerOfFraction(this.generator(name), Number(rest.n)));
      }
    return result;
  }

  #opaqueRoot(base: Fraction, degree: number, times: number): Fraction {
    const { algebra } = this;
    const name = `root(${keyOfFraction(base)}|${degree})`;
    const below = rationalOf(algebra.fraction(base.denominator));
    if (below) algebra.relations.set(name, { degree, value: algebra.scale(base.numerator, Q.divide(Q.one, below)) });
    return algebra.powerOfFraction(this.generator(name), times);
  }

  /** The greatest positive number that divides all coefficients above, over that below. */
  #content(a: Fraction): Q.Rational {
    const of = (terms: Fraction["numerator"]): Q.Rational => {
      let above = 0n;
      let below = 1n;
      for (const { coefficient } of terms.values()) {
        above = Q.gcd(above, coefficient.n);
        below = (below * coefficient.d) / Q.gcd(below, coefficient.d);
      }
      return Q.rational(above, below);
    };
    return Q.divide(of(a.numerator), of(a.denominator));
  }

  /** √(a + b√c) as a sum of two square roots, where a² - b²c is a square: Euclid's binomials. */
  #denest(base: Fraction): Fraction | undefined {
    const { algebra } = this;
    if (!rationalOf(algebra.fraction(base.denominator)) || base.numerator.size !== 2) return undefined;
    const a = base.numerator.get("")?.coefficient;
    const other = [...base.numerator.values()].find(({ monomial }) => monomial.length);
    if (!a || !other?.monomial.every(([name, e]) => /^root\(\d+\|2\)$/.test(name) && e === 1)) return undefined;
    const root = algebra.fraction(new Map([["", other]].map(([, term]) => ["", term as typeof other])));
    const square = rationalOf(algebra.multiplyFractions(root, root));
    if (!square || Q.sign(a) <= 0) return undefined;
    const discriminant = Q.add(Q.multiply(a, a), Q.negate(square));
    if (Q.sign(discriminant) < 0) return undefined;
    const r = Q.rational(Q.integerRoot(discriminant.n, 2), Q.integerRoot(discriminant.d, 2));
    if (!Q.equal(Q.multiply(r, r), discriminant)) return undefined;
    const half = (x: Q.Rational): Fraction => this.root(this.constant(Q.divide(x, Q.rational(2n))), 2, 1);
    const [large, small] = [half(Q.add(a, r)), half(Q.add(a, Q.negate(r)))];
    return algebra.addFractions(large, this.scaled(small, Q.rational(BigInt(Q.sign(other.coefficient)))));
  }
}
