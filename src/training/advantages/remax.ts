/**
 * ReMax (Li et al., arXiv:2310.10505): the reward of the prompt's greedy rollout is the baseline.
 *
 *   A_i = r_i - r(greedy rollout of i's prompt)
 */

import type { AdvantageEstimator } from "./types.ts";

export const remax: AdvantageEstimator = {
  needs: ["baselines"],
  estimate: ({ rewards, baselines }) => ({
    perRollout: Float64Array.from(rewards, (reward, i) => reward - baselines![i]!),
  }),
};
