/**
 * Dr. GRPO (Liu et al., arXiv:2503.20783): GRPO without the division by the group's deviation, which favours questions
 * that are nearly always or nearly never answered. Its loss also drops the division by each response's length: choose
 * lossAggregation "seq-mean-token-sum-norm".
 *
 *   A_i = r_i - mean of i's group
 */

import { groupMeans } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";

export const drGrpo: AdvantageEstimator = {
  minGroupSize: 2,
  estimate({ rewards, groups }) {
    return { perRollout: groupMeans(rewards, groups).map((mean, i) => rewards[i]! - mean) };
  },
};
