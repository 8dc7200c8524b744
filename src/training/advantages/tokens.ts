import type { AdvantageInput } from "./types.ts";

/** Rewards per trained token: the token rewards, plus the rollout's reward on its last trained token. */
export function rewardsPerToken({ rewards, trainedCounts, tokenRewards }: AdvantageInput): Float64Array[] {
  return rewards.map((reward, i) => {
    const row = new Float64Array(trainedCounts![i]!);
    if (tokenRewards) row.set(Array.from(tokenRewards[i]!));
    if (row.length) row[row.length - 1]! += reward;
    return row;
  });
}

/** Discounted sums of what follows: G_t = r_t + gamma G_{t+1}. */
export function discountedReturns(rewards: Float64Array, gamma: number): Float64Array {
  const returns = new Float64Array(rewards.length);
  for (let t = rewards.length - 1, next = 0; t >= 0; t--) {
    next = rewards[t]! + gamma * next;
    returns[t] = next;
  }
  return returns;
}

/** Mean of each row; 0 for an empty one. */
export function rowMeans(rows: readonly Float64Array[]): Float64Array {
  return Float64Array.from(rows, (row) => (row.length ? row.reduce((sum, value) => sum + value, 0) / row.length : 0));
}
