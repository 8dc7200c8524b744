// Functions of constants whose value has a simple exact form: inverse angles, absolute values and conjugates of complex
// numbers, whole parts of real ones.
import { evaluate, realValue } from "./numeric.ts";
import { type Algebra, type Fraction, generatorsOf, type Polynomial, rationalOf } from "./polynomial.ts";
import * as Q from "./rational.ts";
import { call, num, product, quotient, type Tree } from "./tree.ts";

/** Generators that are positive real numbers, and i. */
const isConstant = (name: string): boolean => /^(?:i|pi|e|root\(\d+\|\d+\))$/.test(name);

/** The real and the imaginary part of a constant without a denominator; undefined for everything else. */
export function complexParts(form: Fraction, algebra: Algebra): { re: Polynomial; im: Polynomial } | undefined {
  const below = rationalOf(algebra.fraction(form.denominator));
  if (!below || !generatorsOf(form.numerator).every(isConstant)) return undefined;
  let real: Polynomial = new Map();
  let imaginary: Polynomial = new Map();
  for (const [key, term] of form.numerator) {
    const rest = term.monomial.filter(([name]) => name !== "i");
    if (rest.length === term.monomial.length) real = algebra.add(real, new Map([[key, term]]));
    else {
      const restKey = rest.map(([name, exponent]) => `${name}^${exponent}`).join(" ");
      imaginary = algebra.add(imaginary, new Map([[restKey, { ...term, monomial: rest }]]));
    }
  }
  const inverse = Q.divide(Q.one, below);
  return { re: algebra.scale(real, inverse), im: algebra.scale(imaginary, inverse) };
}

/** The whole part of a real constant that is no integer, where a double decides it beyond doubt. */
export function wholePart(name: "floor" | "ceil", of: Tree): Q.Rational | undefined {
  const value = realValue(of);
  if (value === undefined || Math.abs(value) > 1e9 || Math.abs(value - Math.round(value)) < 1e-4) return undefined;
  if (evaluate(of, new Map()).scale > 1e6) return undefined;
  return Q.rational(BigInt(name === "floor" ? Math.floor(value) : Math.ceil(value)));
}

/**
 * A multiple of π that may be the value of an inverse function, and the equation that proves it.
 *
 * @returns undefined where no multiple of π/60 is near.
 */
export function inverseAngle(name: string, of: Tree): { angle: Tree; proof: readonly [Tree, Tree] } | undefined {
  const value = realValue(call(name, of));
  const steps = value === undefined ? Number.NaN : Math.round((value / Math.PI) * 60);
  if (!Number.isFinite(steps) || Math.abs((value! / Math.PI) * 60 - steps) > 1e-9) return undefined;
  const angle = product(quotient(num(steps), num(60)), { kind: "constant", name: "pi" });
  if (name === "arcsin") return { angle, proof: [call("sin", angle), of] };
  if (name === "arccos") return { angle, proof: [call("cos", angle), of] };
  return name === "arctan" ? { angle, proof: [call("sin", angle), product(of, call("cos", angle))] } : undefined;
}
