/**
 * REINFORCE++-baseline (Hu et al., arXiv:2501.03262; the estimator of CIR, arXiv:2505.24480).
 *
 *   A_i = r_i - mean of the rewards of i's group            (no division by the group's deviation)
 *   A   = (A - mean(A)) / sqrt(var(A) + 1e-8)               over all tokens of the batch, var unbiased
 *
 * A rollout's advantage enters the mean and the variance once per counted token. Which tokens count is the caller's
 * choice: CIR's code whitens over the whole response, interpreter tokens included.
 */

import { groupMeans } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";
import { whiten } from "./whiten.ts";

export const reinforcePlusPlusBaseline: AdvantageEstimator = {
  minGroupSize: 2,
  estimate({ rewards, groups, tokenCounts }) {
    const means = groupMeans(rewards, groups);
    const centred = Float64Array.from(rewards, (reward, i) => reward - means[i]!);
    return { perRollout: whiten(centred, tokenCounts) };
  },
};
