import { type ScoredRollout, shapedReward, type UnscoredRollout } from "./batch.ts";

type Rollout = Pick<UnscoredRollout, "trajectory">;

/** The policy wrote an output block itself: what stands in it was never computed. */
export const hasForgedOutput = ({ trajectory }: Rollout): boolean => trajectory.assistantText.includes("```output");

/** The length limit cut the rollout. */
export const isTruncated = ({ trajectory }: Rollout): boolean => trajectory.stopReason === "maxTokens";

/** Tokens after the prompt, tool outputs included. */
export const responseLength = ({ trajectory }: Rollout): number => trajectory.length - trajectory.promptLength;

/** What counts as repetition: some run of `ngram` sampled tokens comes `times` times, overlaps counted. */
export const repetitionDefaults = { ngram: 8, times: 4 } as const;

/** How often the most frequent run of `ngram` sampled tokens comes; 0 for a rollout that is too short to have one. */
export function mostRepeated({ trajectory }: Rollout, ngram: number): number {
  const sampled = trajectory.ids.filter((_, i) => trajectory.sources[i] === "sampled");
  const counts = new Map<string, number>();
  let most = 0;
  for (let i = 0; i + ngram <= sampled.length; i++) {
    const key = sampled.slice(i, i + ngram).join(" ");
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    most = Math.max(most, count);
  }
  return most;
}

/** By {@link repetitionDefaults}. */
export const isRepetitive = (rollout: Rollout): boolean =>
  mostRepeated(rollout, repetitionDefaults.ngram) >= repetitionDefaults.times;

/** Groups whose rollouts all got the same reward. */
export function zeroVarianceGroups(rollouts: readonly ScoredRollout[]): Set<number> {
  const rewards = new Map<number, Set<number>>();
  for (const rollout of rollouts)
    rewards.set(rollout.group, (rewards.get(rollout.group) ?? new Set()).add(shapedReward(rollout)));
  return new Set([...rewards].filter(([, values]) => values.size === 1).map(([group]) => group));
}
