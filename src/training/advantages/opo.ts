/**
 * OPO, on-policy RL with the optimal reward baseline (Hao et al., arXiv:2505.23585): the variance-minimal baseline when a
 * response's gradient grows with its length.
 *
 *   b   = sum of l_j r_j / sum of l_j over i's group           l: counted tokens of the response
 *   A_i = r_i - b
 */

import { groupMeans } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";

export const opo: AdvantageEstimator = {
  minGroupSize: 2,
  estimate({ rewards, groups, tokenCounts }) {
    const weighted = groupMeans(
      rewards.map((reward, i) => reward * tokenCounts[i]!),
      groups,
    );
    const lengths = groupMeans(tokenCounts, groups);
    return {
      perRollout: Float64Array.from(rewards, (reward, i) => reward - (lengths[i] ? weighted[i]! / lengths[i]! : 0)),
    };
  },
};
