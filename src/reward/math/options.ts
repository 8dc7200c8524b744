import { z } from "zod";

/** What the grader lets pass. Whatever is used is said in the verdict's `notes`. */
export const equivalenceOptions = z.strictObject({
  /** 50% equals 0.5 and the bare number 50. */
  percent: z.boolean().default(true),
  /** 45° equals the bare number 45. (45° equals π/4 in any case.) */
  degrees: z.boolean().default(true),
  /** A unit, or a sign of currency, that only one side has is dropped. Two different known units never agree. */
  units: z.boolean().default(true),
  /** A bare list (`2, 3`) has no order, and braces around a list of values may be left out. */
  lists: z.boolean().default(true),
  /** `x = 5`, `f(x) = 5` and `x \in S` equal `5` and `S`. */
  names: z.boolean().default(true),
  /** Inequalities in one variable equal the interval of their solutions. */
  intervals: z.boolean().default(true),
  /** `⟨1, 2⟩` and a column of a matrix equal the tuple `(1, 2)`. */
  vectors: z.boolean().default(true),
  /** `3 : 4` equals `3/4`. */
  ratios: z.boolean().default(true),
  /** Words agree whatever their case. */
  textCase: z.boolean().default(true),
  /**
   * Where no sympy can be asked, or it does not know: closed analytic expressions of variables that agree to twelve digits
   * at twelve or more points, complex ones among them, are equal.
   */
  acceptNumeric: z.boolean().default(true),
});

export type EquivalenceOptions = z.input<typeof equivalenceOptions>;
export type CheckedEquivalence = z.output<typeof equivalenceOptions>;

/** How a verdict was reached. The last two say that nothing was proved. */
export type How =
  /** The same text, or the same tree. */
  | "identical"
  /** Exact arithmetic of numbers. */
  | "exact"
  /** One exact form of expressions with symbols. */
  | "symbolic"
  /** Words. */
  | "text"
  /** Different kinds of things, or different numbers of elements. */
  | "structure"
  | "sympy"
  /** Agreement at many points, accepted by option. */
  | "numeric"
  /** The two differ at a sample point. */
  | "numericReject"
  /** They agree at every sample point, but nothing proved it. Counts as not equal. */
  | "undecided"
  /** One of the two cannot be read as mathematics, and they differ as texts. Counts as not equal. */
  | "unparsed";

export interface Verdict {
  equal: boolean;
  how: How;
  /** Every leniency that the verdict rests on, and what is worth knowing. */
  notes: string[];
  /** The two as the grader read them; the text itself where they could not be read. */
  gold: string;
  answer: string;
}
