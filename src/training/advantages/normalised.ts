/**
 * Advantages by explicit choices: what is subtracted, what is divided by, and how much each rollout counts. The named
 * group estimators are points of this space: GRPO is { baseline: "group", scale: "group" }, RLOO { baseline:
 * "leave-one-out", scale: "none" }, REINFORCE++-baseline { baseline: "group", scale: "batch", count: "tokens" }.
 *
 *   A_i = (r_i - baseline) / scale
 *
 * "batch" whitens what the baseline left: mean and unbiased variance over the batch, epsilon 1e-8; "group" divides by the
 * group's unbiased deviation + 1e-6.
 */

import { z } from "zod";
import { groupDeviations, groupMeans, groupSizes } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";
import { whiten } from "./whiten.ts";

export const normalisationSchema = z.strictObject({
  /** What is subtracted from a reward. */
  baseline: z.enum(["none", "group", "leave-one-out", "batch"]).default("group"),
  /** What the difference is divided by. */
  scale: z.enum(["none", "group", "batch"]).default("group"),
  /** Whether a rollout counts once in the batch's statistics, or once per token. */
  count: z.enum(["rollouts", "tokens"]).default("rollouts"),
});

export type Normalisation = z.input<typeof normalisationSchema>;

const epsilon = 1e-6;

/** The estimator of these choices. */
export function normalised(choices: z.output<typeof normalisationSchema>): AdvantageEstimator {
  const { baseline, scale, count } = choices;
  return {
    minGroupSize: baseline === "group" || baseline === "leave-one-out" || scale === "group" ? 2 : 1,
    estimate({ rewards, groups, tokenCounts }) {
      const counts = count === "tokens" ? tokenCounts : rewards.map(() => 1);
      const centred = centre(baseline, rewards, groups, counts);
      if (scale === "batch") return { perRollout: whiten(centred, counts) };
      if (scale === "none") return { perRollout: centred };
      const deviations = groupDeviations(rewards, groups);
      return { perRollout: centred.map((value, i) => value / (deviations[i]! + epsilon)) };
    },
  };
}

function centre(
  baseline: z.output<typeof normalisationSchema>["baseline"],
  rewards: readonly number[],
  groups: readonly number[],
  counts: ArrayLike<number>,
): Float64Array {
  const values = Float64Array.from(rewards);
  if (baseline === "none") return values;
  if (baseline === "batch") {
    let sum = 0;
    let total = 0;
    rewards.forEach((reward, i) => {
      sum += reward * counts[i]!;
      total += counts[i]!;
    });
    return values.map((value) => value - sum / total);
  }
  const means = groupMeans(rewards, groups);
  const sizes = groupSizes(groups);
  return values.map((value, i) => {
    const difference = value - means[i]!;
    return baseline === "group" || sizes[i] === 1 ? difference : (difference * sizes[i]!) / (sizes[i]! - 1);
  });
}
