import { InvalidInputError } from "../../base/errors.ts";
import { Part, type PartOptions } from "../../parts/index.ts";
import type { AdvantageEstimator, AdvantageInput, AdvantageNeed, AdvantageResult } from "../advantages/types.ts";

/** What an estimator of the user's own looks at: one entry per rollout. */
export type EstimatorInput = AdvantageInput &
  Required<Pick<AdvantageInput, "trainedCounts" | "turns" | "toolCalls" | "correct">>;

/** An advantage estimator as a plain function: one advantage per rollout, or also one per trained token. */
export type EstimatorFunction = (input: EstimatorInput) => ArrayLike<number> | AdvantageResult;

export interface EstimatorOptions extends PartOptions {
  /**
   * What it cannot do without: `"baselines"` makes the trainer sample greedy rollouts too, `"values"` makes it train a
   * critic, which learns the `returns` of the result.
   */
  readonly needs?: readonly AdvantageNeed[];
  /** Smallest group that it makes sense for. Default 1. */
  readonly minGroupSize?: number;
}

/** An estimator of the user's own, with its code on record; see {@link Part}. Each of its results is checked. */
export class OwnEstimator extends Part implements AdvantageEstimator {
  readonly needs: readonly AdvantageNeed[];
  readonly minGroupSize: number;
  readonly #estimate: EstimatorFunction;
  /** Sizes of batches that it was tried on. */
  readonly #tried = new Set<string>();

  constructor(name: string, estimate: EstimatorFunction, { uses, needs = [], minGroupSize = 1 }: EstimatorOptions) {
    super("estimator", { name, functions: { code: estimate }, uses, options: { needs: [...needs], minGroupSize } });
    this.#estimate = estimate;
    this.needs = needs;
    this.minGroupSize = minGroupSize;
  }

  /** @throws InvalidInputError for a wrong number of advantages, one that is not finite, and a critic without returns. */
  estimate(input: AdvantageInput): AdvantageResult {
    const given: unknown = this.#estimate(input as EstimatorInput);
    if (given instanceof Promise) throw this.#refusal("is asynchronous", "Compute the advantages at once.");
    const count = input.rewards.length;
    const result = (isList(given) ? { perRollout: given } : given) as Partial<AdvantageResult> | undefined;
    if (!isList(result?.perRollout))
      throw this.#refusal(`gave ${shown(given)}`, "Return one number per rollout, or { perRollout, perToken }.");
    const perRollout = this.#numbers(result.perRollout, count, "advantages", `${count} rollouts`, input);
    if (this.needs.includes("values") && result.returns === undefined)
      throw this.#refusal(
        "works with a critic's values but gave no returns, so that the critic would learn nothing",
        "Return { perRollout, perToken, returns }: in returns[i][t] what the value before trained token t of rollout i should have been.",
      );
    const rows = ["perToken", "returns"] as const;
    const [perToken, returns] = rows.map((field) => {
      const given = result[field];
      if (given === undefined) return undefined;
      if (given.length !== count)
        throw this.#refusal(
          `gave ${field} for ${given.length} rollouts instead of ${count}`,
          "Return a row per rollout.",
        );
      return given.map((row, i) => {
        const tokens = input.trainedCounts?.[i] ?? row.length;
        return this.#numbers(row, tokens, `numbers in ${field}[${i}]`, `${tokens} trained tokens`, input);
      });
    });
    return { perRollout, ...(perToken && { perToken }), ...(returns && { returns }) };
  }

  /**
   * Tries it on a made-up batch of such a size, with groups of mixed, of equal and of single rewards.
   *
   * @throws InvalidInputError when it cannot deal with that, or gives something else the second time.
   */
  try(prompts: number, samples: number): void {
    const size = `${prompts}x${samples}`;
    if (this.#tried.has(size)) return;
    const input = madeUp(prompts, samples, this.needs);
    const [once, twice] = [this.estimate(input), this.estimate(input)];
    const differs = once.perRollout.findIndex((value, i) => value !== twice.perRollout[i]);
    if (differs >= 0)
      throw this.#refusal(
        `gave ${once.perRollout[differs]} and then ${twice.perRollout[differs]} for the same rollout of the same batch`,
        "It must depend on its input alone: a run could not be repeated otherwise.",
      );
    this.#tried.add(size);
  }

  #numbers(values: ArrayLike<number>, count: number, what: string, of: string, input: AdvantageInput): Float64Array {
    if (values.length !== count)
      throw this.#refusal(`gave ${values.length} ${what} for ${of}`, "Return one for each, in their order.");
    const bad = Array.from(values).findIndex((value) => typeof value !== "number" || !Number.isFinite(value));
    if (bad < 0) return Float64Array.from(values);
    const place = what === "advantages" ? `rollout ${bad}` : `token ${bad} of ${what}`;
    const group = what === "advantages" ? input.rewards.filter((_, i) => input.groups[i] === input.groups[bad]) : [];
    throw this.#refusal(
      `gave ${shown(values[bad])} for ${place}${group.length ? `, whose group has the rewards ${group.slice(0, 8).join(", ")}${group.length > 8 ? ", …" : ""}` : ""}`,
      "Every advantage must be a finite number, also in a group whose rewards are all equal.",
    );
  }

  #refusal(what: string, hint: string): InvalidInputError {
    return new InvalidInputError(`The estimator ${JSON.stringify(this.name)} ${what}.`, hint);
  }
}

/**
 * An advantage estimator of your own: a function of rewards, groups and counts.
 *
 * @example
 * const medianBaseline = estimator("median-baseline", ({ rewards, groups }) =>
 *   rewards.map((reward, i) => {
 *     const group = rewards.filter((_, j) => groups[j] === groups[i]).sort((a, b) => a - b);
 *     return reward - group[group.length >> 1];
 *   }),
 * );
 * new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset, advantageEstimator: medianBaseline });
 * @throws InvalidInputError for a name that cannot be one, and code that cannot be read.
 */
export function estimator(name: string, estimate: EstimatorFunction, options: EstimatorOptions = {}): OwnEstimator {
  return new OwnEstimator(name, estimate, options);
}

const isList = (value: unknown): value is ArrayLike<number> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
const shown = (value: unknown): string =>
  typeof value === "number" || value === undefined
    ? String(value)
    : (JSON.stringify(value) ?? String(value)).slice(0, 80);

function madeUp(prompts: number, samples: number, needs: readonly AdvantageNeed[]): EstimatorInput {
  const count = prompts * samples;
  const indices = Array.from({ length: count }, (_, i) => i);
  const groups = indices.map((i) => Math.floor(i / samples));
  // The first groups are mixed, all right and all wrong; rewards of others lie between.
  const rewards = indices.map((i) => {
    const group = groups[i]!;
    return group === 1 ? 1 : group === 2 ? -1 : group === 0 ? (i % 2 ? 1 : -1) : Math.sin(i);
  });
  const trainedCounts = indices.map((i) => 3 + (i % 5));
  const perToken = (value: (token: number) => number) =>
    trainedCounts.map((tokens) => Array.from({ length: tokens }, (_, token) => value(token)));
  return {
    rewards,
    groups,
    tokenCounts: trainedCounts.map((tokens) => tokens + 2),
    trainedCounts,
    turns: perToken((token) => (token > 1 ? 1 : 0)),
    toolCalls: indices.map((i) => i % 3),
    correct: rewards.map((reward) => reward > 0),
    gamma: 1,
    ...(needs.includes("values") && { values: perToken((token) => 0.1 * token) }),
    ...(needs.includes("baselines") && { baselines: indices.map(() => 0) }),
    ...(needs.includes("turnRewards") && {
      turnRewards: indices.map(() => [
        { kind: "generation" as const, reward: 1 },
        { kind: "verification" as const, reward: 0 },
      ]),
    }),
  };
}
