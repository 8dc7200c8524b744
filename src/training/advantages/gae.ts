/**
 * Generalised advantage estimation with a critic (Schulman et al., arXiv:1506.02438), on trained tokens only: the tokens
 * between two of them (tool outputs) are no steps of their own.
 *
 *   delta_t = r_t + gamma V_{t+1} - V_t                        V after the last token is 0
 *   A_t     = delta_t + gamma lambda A_{t+1}
 *   G_t     = A_t + V_t                                        what the critic learns (../critic)
 *   A       = (A - mean(A)) / sqrt(var(A) + 1e-8)              over all trained tokens of the batch, as in verl
 */

import { rewardsPerToken, rowMeans } from "./tokens.ts";
import type { AdvantageEstimator } from "./types.ts";
import { whitenTokens } from "./whiten.ts";

export const gae: AdvantageEstimator = {
  needs: ["trainedCounts", "values"],
  estimate(input) {
    const { values, gamma = 1, lambda = 1 } = input;
    const advantages = rewardsPerToken(input).map((rewards, i) => {
      const row = new Float64Array(rewards.length);
      for (let t = row.length - 1, next = 0, nextValue = 0; t >= 0; t--) {
        const value = values![i]![t]!;
        next = rewards[t]! + gamma * nextValue - value + gamma * lambda * next;
        nextValue = value;
        row[t] = next;
      }
      return row;
    });
    const returns = advantages.map((row, i) => row.map((advantage, t) => advantage + values![i]![t]!));
    const perToken = whitenTokens(advantages);
    return { perRollout: rowMeans(perToken), perToken, returns };
  },
};
