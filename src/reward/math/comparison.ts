import { Canonical } from "./canonical.ts";
import { realValue, sample } from "./numeric.ts";
import type { CheckedEquivalence, How } from "./options.ts";
import { type Fraction, rationalOf } from "./polynomial.ts";
import { NoFormError } from "./power-forms.ts";
import { bitLength, type Rational, TooLargeError } from "./rational.ts";
import type { Obligation } from "./sympy.ts";
import { difference, show, someTree, symbolsOf, type Tree } from "./tree.ts";
import { anglesInRadians } from "./values.ts";

const hasInfinity = (tree: Tree): boolean => someTree(tree, (at) => at.kind === "constant" && at.name === "infinity");

const strength: How[] = ["identical", "text", "exact", "symbolic"];

/**
 * One comparison: the exact forms that it shares, what it let pass, how it decided, and what is left for sympy to confirm.
 */
export class Comparison {
  readonly options: CheckedEquivalence;
  readonly notes = new Set<string>();
  obligations: Obligation[] = [];
  /** Why it last said no. */
  rejected: How = "structure";
  #weakest = 0;
  readonly #canonical = new Canonical();

  constructor(options: CheckedEquivalence) {
    this.options = options;
  }

  /** The weakest way by which parts were found equal. */
  get accepted(): How {
    return strength[this.#weakest]!;
  }

  accept(how: How): true {
    this.#weakest = Math.max(this.#weakest, strength.indexOf(how));
    return true;
  }

  reject(how: How): false {
    this.rejected = how;
    return false;
  }

  /** Lets something pass if the option allows it, and notes it. */
  lenient(option: keyof CheckedEquivalence, note: string): boolean {
    if (!this.options[option]) return false;
    this.notes.add(note);
    return true;
  }

  /** Tries a way; what it noted and left to confirm is forgotten where it fails. */
  attempt(way: () => boolean): boolean {
    const { obligations } = this;
    const [notes, weakest] = [[...this.notes], this.#weakest];
    this.obligations = [...obligations];
    if (way()) return true;
    this.obligations = obligations;
    this.notes.clear();
    for (const note of notes) this.notes.add(note);
    this.#weakest = weakest;
    return false;
  }

  /** Whether two expressions have one value, whatever their variables. Without proof, it is left to sympy. */
  expressions(left: Tree, right: Tree): boolean {
    const [a, b] = [anglesInRadians(left), anglesInRadians(right)];
    if (show(a) === show(b)) return this.accept("identical");
    if (hasInfinity(a) || hasInfinity(b)) {
      const value = realValue(a);
      return value !== undefined && value === realValue(b) ? this.accept("exact") : this.reject("exact");
    }
    const known = this.#exactly(a, b) ?? (this.#beyondDoubles(a, b) ? this.reject("numericReject") : undefined);
    if (known !== undefined) return known;
    return this.#bySampling(a, b);
  }

  /** True, false, or undefined where exact forms decide nothing. */
  #exactly(a: Tree, b: Tree): boolean | undefined {
    const [p, q] = [this.#form(a), this.#form(b)];
    if (!p || !q) return undefined;
    const how = symbolsOf(a).length || symbolsOf(b).length ? "symbolic" : "exact";
    try {
      if (this.#canonical.algebra.equalFractions(p, q)) return this.accept(how);
    } catch (error) {
      if (error instanceof TooLargeError) return undefined;
      throw error;
    }
    return this.#canonical.decides(p, q) ? this.reject("exact") : undefined;
  }

  /** Whether one is a number beyond the range of doubles, where sampling has no eyes, and the other is well within. */
  #beyondDoubles(a: Tree, b: Tree): boolean {
    const [p, q] = [a, b].map((side) => {
      const form = this.#form(side);
      return form && rationalOf(form);
    });
    const huge = (value: Rational | undefined): boolean => value !== undefined && bitLength(value.n / value.d) > 900;
    const modest = (tree: Tree): boolean => Math.abs(realValue(tree) ?? Number.POSITIVE_INFINITY) < 1e250;
    return (huge(p) && modest(b)) || (huge(q) && modest(a));
  }

  #form(tree: Tree): Fraction | undefined {
    try {
      return this.#canonical.form(tree);
    } catch (error) {
      if (error instanceof NoFormError || error instanceof TooLargeError || error instanceof RangeError)
        return undefined;
      throw error;
    }
  }

  #bySampling(a: Tree, b: Tree): boolean {
    if (sample(a, b).differ) return this.reject("numericReject");
    this.obligations.push([a, b]);
    return true;
  }

  /** Whether two equations `a = b` and `c = d` say the same: one side less the other is a multiple of the other's. */
  equations([a, b]: readonly [Tree, Tree], [c, d]: readonly [Tree, Tree]): boolean {
    if (this.attempt(() => this.expressions(a, c) && this.expressions(b, d) && this.obligations.length === 0))
      return true;
    if (this.attempt(() => this.expressions(a, d) && this.expressions(b, c) && this.obligations.length === 0))
      return true;
    const multiple = this.multiple(difference(a, b), difference(c, d));
    if (multiple !== undefined) return this.accept("symbolic");
    return (
      this.attempt(() => this.expressions(difference(a, b), difference(c, d))) ||
      this.attempt(() => this.expressions(difference(a, b), difference(d, c)))
    );
  }

  /** The sign of the constant k with a = k b, or undefined where there is no such constant to be seen. */
  multiple(a: Tree, b: Tree): number | undefined {
    const [p, q] = [this.#form(a), this.#form(b)];
    if (!p || !q) return undefined;
    try {
      const { algebra } = this.#canonical;
      // Cross-multiplied, so that one denominator serves both and no root is lost or won.
      const factor = this.#canonical.proportional(
        algebra.multiply(p.numerator, q.denominator),
        algebra.multiply(q.numerator, p.denominator),
      );
      return factor && (factor.n > 0n ? 1 : -1);
    } catch (error) {
      if (error instanceof TooLargeError) return undefined;
      throw error;
    }
  }
}
