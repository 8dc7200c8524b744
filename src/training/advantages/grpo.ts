/**
 * GRPO (Shao et al., arXiv:2402.03300).
 *
 *   A_i = (r_i - mean of i's group) / (std of i's group + 1e-6),   std unbiased
 */

import { groupMeans } from "./group.ts";
import type { AdvantageEstimator } from "./types.ts";

const epsilon = 1e-6;

export const grpo: AdvantageEstimator = ({ rewards, groups }) => {
  const means = groupMeans(rewards, groups);
  const squares = rewards.map((reward, i) => (reward - means[i]!) ** 2);
  const variances = groupMeans(squares, groups);
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return Float64Array.from(rewards, (reward, i) => {
    const size = sizes.get(groups[i]!)!;
    const deviation = size > 1 ? Math.sqrt((variances[i]! * size) / (size - 1)) : 0;
    return (reward - means[i]!) / (deviation + epsilon);
  });
};
