import { InvalidInputError } from "../../base/errors.ts";
import { Part, type PartOptions } from "../../parts/index.ts";
import type { ScoredRollout } from "../batch.ts";
import type { Verdict } from "../filters/types.ts";

/**
 * What a filter of the user's own says of a rollout: nothing (undefined or false), that its tokens leave the loss (true, a
 * reason, or `{ mask: true }`), or that its reward changes by a `penalty`, a number below 0.
 */
export type FilterVerdict =
  | boolean
  | string
  | undefined
  | { readonly mask: true; readonly reason?: string }
  | { readonly penalty: number; readonly reason?: string };

/** A filter as a plain function of one rollout; `siblings` are all rollouts of the same prompt, itself included. */
export type FilterFunction = (rollout: ScoredRollout, siblings: readonly ScoredRollout[]) => FilterVerdict;

export interface FilterOptions extends PartOptions {
  /** Whether a rollout that it masks still enters the advantage statistics. Default true. */
  readonly inStatistics?: boolean;
}

/** A filter of the user's own, with its code on record; see {@link Part}. Each of its verdicts is checked. */
export class OwnFilter extends Part {
  readonly inStatistics: boolean;
  readonly #judge: FilterFunction;

  constructor(name: string, judge: FilterFunction, { uses, inStatistics = true }: FilterOptions) {
    super("filter", { name, functions: { code: judge }, uses, options: { inStatistics } });
    this.#judge = judge;
    this.inStatistics = inStatistics;
  }

  /** @throws InvalidInputError for a verdict that is none, naming the rollout. */
  judge(rollouts: readonly ScoredRollout[]): Verdict[] {
    const groups = new Map<number, ScoredRollout[]>();
    for (const rollout of rollouts) {
      const siblings = groups.get(rollout.group) ?? [];
      groups.set(rollout.group, siblings);
      siblings.push(rollout);
    }
    return rollouts.map((rollout) => this.#verdict(this.#judge(rollout, groups.get(rollout.group)!), rollout));
  }

  #verdict(given: unknown, { group, sample }: ScoredRollout): Verdict {
    const reason = `the filter ${this.name}`;
    if (given === undefined || given === null || given === false) return undefined;
    if (given === true) return { mask: true, reason };
    if (typeof given === "string" && given) return { mask: true, reason: given };
    const { mask, penalty, reason: own = reason } = given as { mask?: unknown; penalty?: unknown; reason?: unknown };
    if (penalty === 0) return undefined;
    if (typeof own === "string") {
      if (mask === true && penalty === undefined) return { mask, reason: own };
      if (typeof penalty === "number" && penalty < 0 && Number.isFinite(penalty)) return { penalty, reason: own };
    }
    throw new InvalidInputError(
      `The filter ${JSON.stringify(this.name)} ${given instanceof Promise ? "is asynchronous" : `gave ${penalty === undefined || typeof own !== "string" ? JSON.stringify(given) : `the penalty ${String(penalty)}`} for rollout ${group}/${sample}`}.`,
      "Return undefined, true, a reason, { mask: true, reason } or { penalty: a number below 0, reason }.",
    );
  }
}

/**
 * A filter of your own, for the setting `filters`.
 *
 * @example
 * const noApologies = filter("no-apologies", ({ trajectory }) =>
 *   trajectory.assistantText.includes("sorry") && { penalty: -0.5, reason: "it apologises" });
 * new Trainer({ ..., filters: [{ name: "zeroVariance" }, noApologies] });
 * @throws InvalidInputError for a name that cannot be one, and code that cannot be read.
 */
export function filter(name: string, judge: FilterFunction, options: FilterOptions = {}): OwnFilter {
  return new OwnFilter(name, judge, options);
}
