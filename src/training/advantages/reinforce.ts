/**
 * REINFORCE (Williams 1992): the reward itself, without a baseline.
 *
 *   A_i = r_i
 */

import type { AdvantageEstimator } from "./types.ts";

export const reinforce: AdvantageEstimator = {
  estimate: ({ rewards }) => ({ perRollout: Float64Array.from(rewards) }),
};
