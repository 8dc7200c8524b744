/**
 * RLOO, REINFORCE leave-one-out (Kool et al. 2019; Ahmadian et al., arXiv:2402.14740).
 *
 *   A_i = r_i - mean of the other members of i's group = (r_i - mean of i's group) · n / (n - 1)
 *
 * One that has lost its whole group is compared with nothing: A_i = 0.
 */

import { groupMeans, groupSizes } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";

export const rloo: AdvantageEstimator = {
  minGroupSize: 2,
  estimate({ rewards, groups }) {
    const sizes = groupSizes(groups);
    return {
      perRollout: groupMeans(rewards, groups).map((mean, i) =>
        sizes[i]! > 1 ? ((rewards[i]! - mean) * sizes[i]!) / (sizes[i]! - 1) : 0,
      ),
    };
  },
};
