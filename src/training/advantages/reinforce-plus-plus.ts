/**
 * REINFORCE++ (Hu et al., arXiv:2501.03262): token-level returns, whitened over the whole batch; no critic, no groups.
 *
 *   G_t = r_t + gamma G_{t+1}                                  r_t holds the KL penalty and, on the last token, the reward
 *   A   = (G - mean(G)) / sqrt(var(G) + 1e-8)                  over all trained tokens of the batch, var unbiased
 */

import { discountedReturns, rewardsPerToken, rowMeans } from "./tokens.ts";
import type { AdvantageEstimator } from "./types.ts";
import { whitenTokens } from "./whiten.ts";

export const reinforcePlusPlus: AdvantageEstimator = {
  needs: ["trainedCounts"],
  estimate(input) {
    const returns = rewardsPerToken(input).map((row) => discountedReturns(row, input.gamma ?? 1));
    const perToken = whitenTokens(returns);
    return { perRollout: rowMeans(perToken), perToken };
  },
};
