/**
 * OTC-GRPO, optimal tool calls (arXiv:2504.14870), after a secondary description: a right answer is worth more the closer
 * its number of calls m is to the fewest n that a right answer of its group needed. GRPO on the product.
 *
 *   f      = 2 m n / (m + n)                                   f = m where n = 0
 *   r_tool = 1 where m = n = 0;  cos(m pi / (2 m + c)) where n = 0;  sin(f pi / (2 n)) otherwise
 *   r_i'   = r_i · r_tool                                      where the answer is right, r_i as it is elsewhere
 *
 * The smoothing c is not published; 1, as third parties have it. n is the group's own, not a running best over epochs.
 * The published base reward is 0 or 1; a wrong answer's reward is left alone here, so that a negative one never shrinks
 * towards 0 by calling tools.
 */

import { grpo } from "./grpo.ts";
import type { AdvantageEstimator } from "./types.ts";

const smoothing = 1;

/** The coefficient for `calls` calls where the fewest of a right answer are `fewest`. */
export function toolEfficiency(calls: number, fewest: number): number {
  if (fewest === 0) return calls === 0 ? 1 : Math.cos((calls * Math.PI) / (2 * calls + smoothing));
  const between = calls === 0 ? 0 : (2 * calls * fewest) / (calls + fewest);
  return Math.sin((between * Math.PI) / (2 * fewest));
}

export const otcGrpo: AdvantageEstimator = {
  minGroupSize: 2,
  needs: ["toolCalls", "correct"],
  estimate(input) {
    const { rewards, groups, toolCalls, correct } = input;
    const fewest = new Map<number, number>();
    groups.forEach((group, i) => {
      if (correct![i]) fewest.set(group, Math.min(fewest.get(group) ?? Number.POSITIVE_INFINITY, toolCalls![i]!));
    });
    const shaped = rewards.map((reward, i) =>
      correct![i] ? reward * toolEfficiency(toolCalls![i]!, fewest.get(groups[i]!)!) : reward,
    );
    return grpo.estimate({ ...input, rewards: shaped });
  },
};
