import { InvalidInputError } from "../../base/errors.ts";
import { advantageInput } from "../advantage-input.ts";
import { type AdvantageEstimatorChoice, estimateAdvantages, estimatorName, estimatorOf } from "../advantages/index.ts";
import type { Advantages, Batch, ScoredRollout } from "../batch.ts";
import type { StepConfig } from "../config.ts";

/** A filter took the rollout out of the advantage statistics. */
const isLeftOut = ({ marks }: ScoredRollout): boolean => marks?.some(({ inStatistics }) => !inStatistics) ?? false;

/**
 * Advantages of a batch. Rollouts that a filter took out of the statistics get 0 and change nobody else's; so do those of
 * a group that is left too small for the estimator.
 *
 * @throws InvalidInputError where the estimator does not fit the batch, or a reward is not a finite number.
 */
export function batchAdvantages(batch: Batch, config: StepConfig): Advantages {
  const choice = config.advantageEstimator as AdvantageEstimatorChoice;
  const estimator = estimatorName(choice);
  const { rollouts } = batch;
  const bad = rollouts.find(({ reward }) => !Number.isFinite(reward.reward));
  if (bad)
    throw new InvalidInputError(
      `Step ${batch.step}: the reward of rollout ${bad.group}/${bad.sample} is ${bad.reward.reward}.`,
      "A reward must be a finite number; look at the reward function's answer for this rollout. Nothing was trained.",
    );
  if (!rollouts.some(isLeftOut)) return { estimator, ...estimateAdvantages(choice, advantageInput(batch, config)) };

  const inside = rollouts.filter((rollout) => !isLeftOut(rollout));
  const sizes = new Map<number, number>();
  for (const { group } of inside) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const smallest = estimatorOf(choice).minGroupSize ?? 1;
  const places = [...rollouts.keys()].filter(
    (i) => !isLeftOut(rollouts[i]!) && sizes.get(rollouts[i]!.group)! >= smallest,
  );
  const perRollout = new Float64Array(rollouts.length);
  if (!places.length) return { estimator, perRollout };
  const kept = { ...batch, rollouts: places.map((i) => rollouts[i]!) };
  const result = estimateAdvantages(choice, advantageInput(kept, config));
  places.forEach((place, i) => {
    perRollout[place] = result.perRollout[i]!;
  });
  /** Rows of tokens for everyone; one that was left out is masked or has advantage 0 throughout. */
  const spread = (rows: readonly Float64Array[]): Float64Array[] => {
    const all: Float64Array[] = rollouts.map(({ trajectory }) => new Float64Array(trajectory.length));
    places.forEach((place, i) => {
      all[place] = rows[i]!;
    });
    return all;
  };
  return {
    estimator,
    perRollout,
    ...(result.perToken && { perToken: spread(result.perToken) }),
    ...(result.returns && { returns: spread(result.returns) }),
  };
}
