// The exact form of an expression: a quotient of polynomials over generators. Every rewriting here is an identity of the
// principal branches, so two expressions with one form are equal; different forms prove nothing unless `decides`.

import { complexParts, inverseAngle, wholePart } from "./constants.ts";
import { realValue } from "./numeric.ts";
import { type Fraction, generatorsOf, keyOf, keyOfFraction, leading, rationalOf } from "./polynomial.ts";
import { NoFormError, PowerForms } from "./power-forms.ts";
import * as Q from "./rational.ts";
import { rationalFunction, trigonometric } from "./special-values.ts";
import { show, type Tree } from "./tree.ts";

/** Brings expressions of one comparison to their exact forms. */
export class Canonical extends PowerForms {
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

  #make(tree: Tree): Fraction {
    const { algebra } = this;
    switch (tree.kind) {
      case "number":
        return this.constant(tree.value);
      case "symbol":
        return this.generator(`x:${tree.name}`);
      case "constant":
        if (tree.name === "infinity") throw new NoFormError("infinity");
        if (tree.name === "i" && !algebra.relations.has("i"))
          algebra.relations.set("i", { degree: 2, value: algebra.constant(Q.rational(-1n)) });
        return this.generator(tree.name);
      case "add":
        return tree.items.map((item) => this.form(item)).reduce((a, b) => algebra.addFractions(a, b));
      case "multiply":
        return tree.items.map((item) => this.form(item)).reduce((a, b) => algebra.multiplyFractions(a, b));
      case "power":
        return this.power(this.form(tree.base), this.form(tree.exponent));
      case "root":
        return this.root(this.form(tree.of), tree.degree, 1);
      case "call":
        return this.#call(tree.name, tree.items);
      default:
        throw new NoFormError(tree.kind);
    }
  }

  #call(name: string, items: Tree[]): Fraction {
    const forms = items.map((item) => this.form(item));
    const numbers = forms.map(rationalOf);
    if (numbers.every((value) => value !== undefined)) {
      const exact = rationalFunction(name, numbers);
      if (exact) return this.constant(exact);
    }
    const [first, second] = forms;
    if (!first) throw new NoFormError(name);
    const constant = items.length === 1 ? this.#ofConstant(name, items[0]!, first) : undefined;
    if (constant) return constant;
    switch (name) {
      case "sin":
      case "cos":
        return this.#sineOrCosine(name, first);
      case "tan":
        return this.#ratio(this.#sineOrCosine("sin", first), this.#sineOrCosine("cos", first));
      case "cot":
        return this.#ratio(this.#sineOrCosine("cos", first), this.#sineOrCosine("sin", first));
      case "sec":
        return this.#ratio(this.constant(Q.one), this.#sineOrCosine("cos", first));
      case "csc":
        return this.#ratio(this.constant(Q.one), this.#sineOrCosine("sin", first));
      case "ln":
        return this.#logarithm(first);
      case "log":
        return this.#ratio(this.#logarithm(first), this.#logarithm(second ?? this.constant(Q.rational(10n))));
      default: {
        const even = name === "abs";
        const keys = forms.map((form) => keyOfFraction(even ? this.#positive(form).form : form));
        return this.generator(`${name}(${keys.join(",")})`);
      }
    }
  }

  #ofConstant(name: string, tree: Tree, form: Fraction): Fraction | undefined {
    const { algebra } = this;
    if (name === "floor" || name === "ceil") {
      const whole = wholePart(name, tree);
      return whole && this.constant(whole);
    }
    if (name === "arcsin" || name === "arccos" || name === "arctan") {
      const found = inverseAngle(name, tree);
      const [left, right] = found?.proof ?? [];
      return found && algebra.equalFractions(this.form(left!), this.form(right!)) ? this.form(found.angle) : undefined;
    }
    if (name !== "abs" && name !== "overline") return undefined;
    const parts = complexParts(form, algebra);
    if (!parts) return undefined;
    const { re, im } = parts;
    if (name === "overline") {
      const i = this.form({ kind: "constant", name: "i" });
      const conjugate = this.scaled(algebra.multiplyFractions(i, algebra.fraction(im)), Q.rational(-1n));
      return algebra.addFractions(algebra.fraction(re), conjugate);
    }
    if (im.size) return this.root(algebra.fraction(algebra.add(algebra.power(re, 2), algebra.power(im, 2))), 2, 1);
    const value = realValue(tree);
    if (value === undefined || Math.abs(value) < 1e-6) return undefined;
    return this.scaled(form, Q.rational(value < 0 ? -1n : 1n));
  }

  #ratio(a: Fraction, b: Fraction): Fraction {
    return this.algebra.multiplyFractions(a, this.algebra.powerOfFraction(b, -1));
  }

  /** The form or its negative, whichever begins with a positive coefficient. */
  #positive(a: Fraction): { form: Fraction; sign: bigint } {
    const first = leading(a.numerator);
    if (!first || Q.sign(first.coefficient) > 0) return { form: a, sign: 1n };
    return { form: this.scaled(a, Q.rational(-1n)), sign: -1n };
  }

  #sineOrCosine(name: "sin" | "cos", argument: Fraction): Fraction {
    const { algebra } = this;
    const turns = rationalOf(this.#ratio(argument, this.generator("pi")));
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
    return name === "cos" ? this.generator(cosine) : this.scaled(this.generator(sine), Q.rational(sign));
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
      let result = this.constant(Q.zero);
      for (const [side, direction] of [
        [value.n, 1],
        [value.d, -1],
      ] as const)
        for (const [prime, times] of Q.factors(side))
          result = algebra.addFractions(
            result,
            this.scaled(this.generator(`ln(${prime})`), Q.rational(BigInt(direction * times))),
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
        this.constant(Q.rational(BigInt(power![1]))),
        this.#logarithm(this.constant(only.coefficient)),
      );
    return this.generator(`ln(${keyOfFraction(a)})`);
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
