/**
 * GRPO (Shao et al., arXiv:2402.03300).
 *
 *   A_i = (r_i - mean of i's group) / (std of i's group + 1e-6),   std unbiased
 */

import { groupDeviations, groupMeans } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";

const epsilon = 1e-6;

export const grpo: AdvantageEstimator = {
  minGroupSize: 2,
  estimate({ rewards, groups }) {
    const means = groupMeans(rewards, groups);
    const deviations = groupDeviations(rewards, groups);
    return { perRollout: means.map((mean, i) => (rewards[i]! - mean) / (deviations[i]! + epsilon)) };
  },
};
