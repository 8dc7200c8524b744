/**
 * TAPO, turn-aware policy optimisation (ReVeal, arXiv:2506.11442), after a secondary description of it.
 *
 *   R_t      = r_t + R_{t+1}                                   the outcome's reward on the last token
 *   R_t^turn = reward of t's turn; a verification turn also gets the reward of the generation turn that follows it
 *   G_t      = R_t + R_t^turn                                  what the critic learns
 *   A_t      = G_t - V_t
 *
 * How a turn's return is spread inside the turn is not published: here every token of the turn gets it whole.
 */

import type { TurnReward } from "../../reward/index.ts";
import { discountedReturns, rewardsPerToken, rowMeans } from "./tokens.ts";
import type { AdvantageEstimator } from "./types.ts";

export const tapo: AdvantageEstimator = {
  needs: ["trainedCounts", "values", "turns", "turnRewards"],
  estimate(input) {
    const { values, turns, turnRewards } = input;
    const returns = rewardsPerToken(input).map((rewards, i) => {
      const perTurn = turnReturns(turnRewards![i]!);
      return discountedReturns(rewards, 1).map((value, t) => value + (perTurn[turns![i]![t]!] ?? 0));
    });
    const perToken = returns.map((row, i) => row.map((value, t) => value - values![i]![t]!));
    return { perRollout: rowMeans(perToken), perToken, returns };
  },
};

function turnReturns(turns: readonly TurnReward[]): number[] {
  return turns.map(({ kind, reward }, k) => {
    const next = turns[k + 1];
    return kind === "verification" && next?.kind === "generation" ? reward + next.reward : reward;
  });
}
