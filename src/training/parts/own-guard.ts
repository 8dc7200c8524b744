import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import { Part, type PartOptions } from "../../parts/index.ts";
import type { Advantages, Batch } from "../batch.ts";
import { guardLimits, hasOneLimit } from "../guards/limits.ts";
import type { GuardAction, RolloutPlace } from "../guards/types.ts";

/** What a guard of the user's own looks at. */
export interface GuardSight {
  /** Steps taken once this one is over. */
  readonly step: number;
  /** The step's metrics; those of the update are missing where the guard can still skip it. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly batch: Batch;
  readonly advantages?: Advantages | undefined;
}

/** What a guard saw: a figure to watch, or whether something is wrong. Undefined: nothing to judge by. */
export type GuardFigure = number | boolean | undefined;

/** A guard as a plain function: of a figure, or of a figure and the rollouts that made it. */
export type GuardFunction = (
  sight: GuardSight,
) => GuardFigure | { readonly value: GuardFigure; readonly rollouts: readonly RolloutPlace[] };

export interface GuardOptions extends PartOptions {
  /** The figure's limit: one of `above`, `below` and `zScore`, as with any guard. Default: above 0, which true is. */
  readonly above?: number;
  readonly below?: number;
  readonly zScore?: number;
  /** Steps that a z-score looks back on. Default 20. */
  readonly window?: number;
  /** What happens. A guard that skips looks before the update. Default `"alert"`. */
  readonly action?: GuardAction;
  /** Steps in a row that must pass the limit. Default 1. */
  readonly patience?: number;
  /** Why this limit. */
  readonly reason?: string;
}

const limitsSchema = z.strictObject(guardLimits).refine(hasOneLimit, "it needs only one of above, below and zScore");

/** A guard of the user's own, with its code on record; see {@link Part}. */
export class OwnGuard extends Part {
  /** What the figure is called: the guard's name. */
  readonly metric: string;
  readonly above: number | undefined;
  readonly below: number | undefined;
  readonly zScore: number | undefined;
  readonly window: number;
  readonly action: GuardAction;
  readonly patience: number;
  readonly reason: string | undefined;
  readonly #look: GuardFunction;

  constructor(name: string, look: GuardFunction, { uses, ...limits }: GuardOptions) {
    const isLimited = [limits.above, limits.below, limits.zScore].some((limit) => limit !== undefined);
    const parsed = parseInput(
      limitsSchema,
      isLimited ? limits : { above: 0, ...limits },
      `guard ${JSON.stringify(name)}`,
    );
    const { above, below, zScore, window, action, patience, reason } = parsed;
    super("guard", {
      name,
      functions: { code: look },
      uses,
      options: JSON.parse(JSON.stringify({ above, below, zScore, window, action, patience })) as Record<
        string,
        unknown
      >,
    });
    this.metric = name;
    this.above = above;
    this.below = below;
    this.zScore = zScore;
    this.window = window;
    this.action = action;
    this.patience = patience;
    this.reason = reason;
    this.#look = look;
  }

  /**
   * The figure in a step, and the rollouts that made it, where the function names them.
   *
   * @throws InvalidInputError for what is neither a number nor true or false, and for rollouts that are none.
   */
  measure(sight: GuardSight): { value: number | undefined; rollouts: readonly RolloutPlace[] } {
    const given: unknown = this.#look(sight);
    const isDetailed =
      typeof given === "object" && given !== null && "rollouts" in given && Array.isArray(given.rollouts);
    const { value, rollouts } = isDetailed
      ? (given as unknown as { value: unknown; rollouts: readonly RolloutPlace[] })
      : { value: given, rollouts: [] };
    const places = rollouts.map(({ group, sample }) => ({ group, sample }));
    const odd = places.findIndex(({ group, sample }) => !Number.isInteger(group) || !Number.isInteger(sample));
    if (odd >= 0)
      throw new InvalidInputError(
        `The guard ${JSON.stringify(this.name)} named ${JSON.stringify(rollouts[odd])} as a rollout in step ${sight.step}.`,
        "Name rollouts of the batch, or places { group, sample }.",
      );
    if (typeof value === "boolean") return { value: Number(value), rollouts: places };
    if (value === undefined || typeof value === "number") return { value, rollouts: places };
    throw new InvalidInputError(
      `The guard ${JSON.stringify(this.name)} ${value instanceof Promise ? "is asynchronous" : `gave ${JSON.stringify(value)} in step ${sight.step}`}.`,
      "Return a number, true or false, or undefined where there is nothing to judge by.",
    );
  }
}

/**
 * A guard of your own, for the setting `guards`: a figure that you compute, under the limits and actions of any guard.
 *
 * @example
 * new Trainer({ ..., guards: [
 *   ...guards.default(),
 *   guard("kl-per-entropy", ({ metrics }) => metrics.kl / metrics.entropy, { above: 0.5, action: "pause" }),
 *   guard("someone-begs", ({ batch }) => {
 *     const rollouts = batch.rollouts.filter(({ trajectory }) => trajectory.text.includes("please"));
 *     return { value: rollouts.length > 0, rollouts };
 *   }),
 * ] });
 * @throws InvalidInputError for a name that cannot be one, and code that cannot be read.
 */
export function guard(name: string, look: GuardFunction, options: GuardOptions = {}): OwnGuard {
  return new OwnGuard(name, look, options);
}
