// The exact form of an expression: a quotient of polynomials over generators. Every rewriting here is an identity of the
// principal branches, so two expressions with one form are equal; different forms prove nothing unless `decides`.
import {
  Algebra,
  type Fraction,
  generatorsOf,
  integerOf,
  keyOf,
  keyOfFraction,
  leading,
  rationalOf,
} from "./polynomial.ts";
import * as Q from "./rational.ts";
import { rationalFunction, trigonometric } from "./special-values.ts";
import { show, type Tree } from "./tree.ts";

/** The expression has no exact form here (it is no plain expression, or not defined). */
export class NoFormError extends Error {}

/** Brings expressions of one comparison to their exact forms. */
export class Canonical {
  readonly algebra = new Algebra();
  readonly #forms = new Map<string, Fraction>();

  /** @throws NoFormError, RangeError (division by zero), TooLargeError. */
  form(tree: Tree): Fraction {
    const key = show(tree);
    const known = this.#forms.get(key);
    if (known) return known;
    const form = this.#make(tree);
    this.#forms.set(key, form);
    return form;
  }

  #constant(value: Q.Rational): Fraction {
    return this.algebra.fraction(this.algebra.constant(value));
  }

  #generator(name: string): Fraction {
    return this.algebra.fraction(this.algebra.generator(name));
  }

  #make(tree: Tree): Fraction {
    const { algebra } = this;
    switch (tree.kind) {
      case "number":
        return this.#constant(tree.value);
      case "symbol":
        return this.#generator(`x:${tree.name}`);
      case "constant":
        if (tree.name === "infinity") throw new NoFormError("infinity");
        if (tree.name === "i" && !algebra.relations.has("i"))
          algebra.relations.set("i", { degree: 2, value: algebra.constant(Q.rational(-1n)) });
        return this.#generator(tree.name);
      case "add":
        return tree.items.map((item) => this.form(item)).reduce((a, b) => algebra.addFractions(a, b));
      case "multiply":
        return tree.items.map((item) => this.form(item)).reduce((a, b) => algebra.multiplyFractions(a, b));
      case "power":
        return this.#power(this.form(tree.base), this.form(tree.exponent));
      case "root":
        return this.#root(this.form(tree.of), tree.degree, 1);
      case "call":
        return this.#call(tree.name, tree.items);
      default:
        throw new NoFormError(tree.kind);
    }
  }

  #scaled(a: Fraction, by: Q.Rational): Fraction {
    return this.algebra.multiplyFractions(a, this.#constant(by));
  }

  #power(base: Fraction, exponent: Fraction): Fraction {
    const { algebra } = this;
    const whole = integerOf(exponent);
    if (whole !== undefined) {
      const value = rationalOf(base);
      if (value) {
        if (value.n === 0n && whole <= 0) throw new RangeError("0 to a power that is not positive");
        return this.#constant(Q.power(value, BigInt(whole)));
      }
      return algebra.powerOfFraction(base, whole);
    }
    const turned = this.#turn(base, exponent);
    if (turned) return turned;
    const number = rationalOf(base);
    if (number && number.n === 1n && number.d === 1n) return base;
    if (number?.n === 0n) throw new NoFormError("a power of zero");
    if (rationalOf(exponent.denominator.size ? algebra.fraction(exponent.denominator) : exponent) === undefined)
      return this.#generator(`pow(${keyOfFraction(base)}|${keyOfFraction(exponent)})`);
    // A positive number to a symbolic power splits into its primes: logarithms of positive numbers add up.
    if (number && Q.sign(number) > 0) {
      let result = this.#constant(Q.one);
      for (const [side, direction] of [
        [number.n, 1],
        [number.d, -1],
      ] as const)
        for (const [prime, times] of Q.factors(side))
          result = algebra.multiplyFractions(
            result,
            this.#powerOfOne(
              this.#constant(Q.rational(prime)),
              this.#scaled(exponent, Q.rational(BigInt(direction * times))),
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
    let result = this.#constant(Q.one);
    for (const { coefficient, monomial } of exponent.numerator.values()) {
      let factor: Fraction;
      if (!monomial.length) {
        if (Q.abs(coefficient).n > 200n || coefficient.d > 100n) throw new Q.TooLargeError("exponent");
        const whole = Q.floor(coefficient);
        const rest = Q.add(coefficient, Q.rational(-whole));
        factor = this.#power(base, this.#constant(Q.rational(whole)));
        if (rest.n) factor = algebra.multiplyFractions(factor, this.#root(base, Number(rest.d), Number(rest.n)));
      } else {
        if (Q.abs(coefficient).n > 200n) throw new Q.TooLargeError("exponent");
        const name = monomial.map(([generator, e]) => `${generator}^${e}`).join(" ");
        factor = algebra.powerOfFraction(
          this.#generator(`pow(${keyOfFraction(base)}|${name}/${coefficient.d})`),
          Number(coefficient.n),
        );
      }
      result = algebra.multiplyFractions(result, factor);
    }
    return result;
  }

  /** `(base ** (1 / degree)) ** times`, with 0 < times < degree. */
  #root(base: Fraction, degree: number, times: number): Fraction {
    const { algebra } = this;
    const value = rationalOf(base);
    if (value) {
      if (value.n === 0n) return base;
      if (Q.sign(value) > 0) return this.#rootOfNumber(value, degree, times);
      // An odd root of a negative number is the real one, as schools write it.
      if (degree % 2)
        return this.#scaled(this.#rootOfNumber(Q.negate(value), degree, times), Q.rational(times % 2 ? -1n : 1n));
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
    const rest = this.#scaled(base, Q.divide(Q.one, content));
    const outside = this.#power(this.#constant(content), this.#constant(Q.rational(BigInt(times), BigInt(degree))));
    return algebra.multiplyFractions(outside, this.#opaqueRoot(rest, degree, times));
  }

  #rootOfNumber(value: Q.Rational, degree: number, times: number): Fraction {
    const { algebra } = this;
    let result = this.#constant(Q.one);
    for (const [side, direction] of [
      [value.n, 1n],
      [value.d, -1n],
    ] as const)
      for (const [prime, multiplicity] of Q.factors(side)) {
        const exponent = Q.rational(direction * BigInt(multiplicity * times), BigInt(degree));
        const whole = Q.floor(exponent);
        const rest = Q.add(exponent, Q.rational(-whole));
        result = this.#scaled(result, Q.power(Q.rational(prime), whole));
        if (!rest.n) continue;
        const name = `root(${prime}|${rest.d})`;
        const of = algebra.constant(Q.rational(prime));
        algebra.relations.set(name, { degree: Number(rest.d), value: of });
        result = algebra.multiplyFractions(result, algebra.powerOfFraction(this.#generator(name), Number(rest.n)));
      }
    return result;
  }

  #opaqueRoot(base: Fraction, degree: number, times: number): Fraction {
    const { algebra } = this;
    const name = `root(${keyOfFraction(base)}|${degree})`;
    const below = rationalOf(algebra.fraction(base.denominator));
    if (below) algebra.relations.set(name, { degree, value: algebra.scale(base.numerator, Q.divide(Q.one, below)) });
    return algebra.powerOfFraction(this.#generator(name), times);
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
    const half = (x: Q.Rational): Fraction => this.#root(this.#constant(Q.divide(x, Q.rational(2n))), 2, 1);
    const [large, small] = [half(Q.add(a, r)), half(Q.add(a, Q.negate(r)))];
    return algebra.addFractions(large, this.#scaled(small, Q.rational(BigInt(Q.sign(other.coefficient)))));
  }

  #call(name: string, items: Tree[]): Fraction {
    const forms = items.map((item) => this.form(item));
    const numbers = forms.map(rationalOf);
    if (numbers.every((value) => value !== undefined)) {
      const exact = rationalFunction(name, numbers);
      if (exact) return this.#constant(exact);
    }
    const [first, second] = forms;
    if (!first) throw new NoFormError(name);
    switch (name) {
      case "sin":
      case "cos":
        return this.#sineOrCosine(name, first);
      case "tan":
        return this.#ratio(this.#sineOrCosine("sin", first), this.#sineOrCosine("cos", first));
      case "cot":
        return this.#ratio(this.#sineOrCosine("cos", first), this.#sineOrCosine("sin", first));
      case "sec":
        return this.#ratio(this.#constant(Q.one), this.#sineOrCosine("cos", first));
      case "csc":
        return this.#ratio(this.#constant(Q.one), this.#sineOrCosine("sin", first));
      case "ln":
        return this.#logarithm(first);
      case "log":
        return this.#ratio(this.#logarithm(first), this.#logarithm(second ?? this.#constant(Q.rational(10n))));
      default: {
        const even = name === "abs";
        const keys = forms.map((form) => keyOfFraction(even ? this.#positive(form).form : form));
        return this.#generator(`${name}(${keys.join(",")})`);
      }
    }
  }

  #ratio(a: Fraction, b: Fraction): Fraction {
    return this.algebra.multiplyFractions(a, this.algebra.powerOfFraction(b, -1));
  }

  /** The form or its negative, whichever begins with a positive coefficient. */
  #positive(a: Fraction): { form: Fraction; sign: bigint } {
    const first = leading(a.numerator);
    if (!first || Q.sign(first.coefficient) > 0) return { form: a, sign: 1n };
    return { form: this.#scaled(a, Q.rational(-1n)), sign: -1n };
  }

  #sineOrCosine(name: "sin" | "cos", argument: Fraction): Fraction {
    const { algebra } = this;
    const turns = rationalOf(this.#ratio(argument, this.#generator("pi")));
    const multiple = argument.numerator.size === 0 ? Q.zero : (turns ?? this.#multipleOfPi(argument));
    const exact = multiple && trigonometric(name, multiple);
    if (exact) return this.form(exact);
    const { form, sign } = this.#positive(argument);
    const key = keyOfFraction(form);
    const [sine, cosine] = [`sin(${key})`, `cos(${key})`];
    const square = algebra.generator(cosine, 2);
    algebra.relations.set(sine, {
      degree: 2,
      value: algebra.add(algebra.constant(Q.one), algebra.scale(square, Q.rational(-1n))),
    });
    return name === "cos" ? this.#generator(cosine) : this.#scaled(this.#generator(sine), Q.rational(sign));
  }

  #multipleOfPi(argument: Fraction): Q.Rational | undefined {
    const only = argument.numerator.size === 1 ? argument.numerator.get("pi^1") : undefined;
    const below = rationalOf(this.algebra.fraction(argument.denominator));
    return only && below ? Q.divide(only.coefficient, below) : undefined;
  }

  #logarithm(a: Fraction): Fraction {
    const { algebra } = this;
    const value = rationalOf(a);
    if (value && Q.sign(value) > 0) {
      let result = this.#constant(Q.zero);
      for (const [side, direction] of [
        [value.n, 1],
        [value.d, -1],
      ] as const)
        for (const [prime, times] of Q.factors(side))
          result = algebra.addFractions(
            result,
            this.#scaled(this.#generator(`ln(${prime})`), Q.rational(BigInt(direction * times))),
          );
      return result;
    }
    const only = a.numerator.size === 1 ? leading(a.numerator)! : undefined;
    const [power] = only?.monomial ?? [];
    if (
      only &&
      only.monomial.length === 1 &&
      power![0] === "e" &&
      rationalOf(algebra.fraction(a.denominator)) &&
      Q.sign(only.coefficient) > 0
    )
      return algebra.addFractions(
        this.#constant(Q.rational(BigInt(power![1]))),
        this.#logarithm(this.#constant(only.coefficient)),
      );
    return this.#generator(`ln(${keyOfFraction(a)})`);
  }

  /** Whether different forms prove different values: only symbols, i and square roots of primes are in them. */
  decides(...forms: Fraction[]): boolean {
    return forms.every(({ numerator, denominator }) =>
      [...generatorsOf(numerator), ...generatorsOf(denominator)].every((name) =>
        /^(?:x:.*|i|root\(\d{1,8}\|2\))$/.test(name),
      ),
    );
  }

  /** Whether one polynomial is a constant multiple of the other: two equations with the same solutions. */
  proportional(a: Fraction["numerator"], b: Fraction["numerator"]): Q.Rational | undefined {
    const [p, q] = [leading(a), leading(b)];
    if (!p || !q) return undefined;
    const factor = Q.divide(p.coefficient, q.coefficient);
    return keyOf(a) === keyOf(this.algebra.scale(b, factor)) ? factor : undefined;
  }
}
