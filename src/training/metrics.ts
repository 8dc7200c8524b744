import type { Batch, ScoredRollout } from "./batch.ts";

/** What a batch of rollouts looks like, before any training on it. */
export interface RolloutMetrics {
  /** Mean reward. */
  reward: number;
  /** Share of correct answers. */
  accuracy: number;
  /** Share of rollouts with at least one execution. */
  codeShare: number;
  /** Share of the correct answers that used code; 0 without any. */
  codeShareOfCorrect: number;
  /** Executions per rollout. */
  toolCalls: number;
  /** Share of executions that ended without an error. */
  passRate: number;
  /** Share of rollouts whose policy wrote an output block itself. */
  forgedOutput: number;
  /** Tokens after the prompt, tool outputs included. */
  responseLength: number;
  /** Share of rollouts cut by the length limit. */
  truncated: number;
  /** Share of boundaries where sampled text had to be replaced by forced tokens. */
  forcedBoundaries: number;
  /** Share of prompts whose rollouts all got the same reward: they teach nothing. */
  zeroVariance: number;
  /** Share of rollouts lost to infrastructure. */
  infrastructure: number;
}

const share = (part: number, whole: number) => (whole ? part / whole : 0);

export function rolloutMetrics(batch: Batch): RolloutMetrics {
  const { rollouts } = batch;
  const count = (test: (rollout: ScoredRollout) => boolean) => rollouts.filter(test).length;
  const sum = (value: (rollout: ScoredRollout) => number) => rollouts.reduce((total, r) => total + value(r), 0);
  const usedCode = ({ trajectory }: ScoredRollout) => trajectory.toolCalls.length > 0;
  const n = rollouts.length;
  const calls = sum((r) => r.trajectory.toolCalls.length);
  const groups = new Map<number, Set<number>>();
  for (const { group, reward } of rollouts) groups.set(group, (groups.get(group) ?? new Set()).add(reward.reward));
  return {
    reward: share(
      sum((r) => r.reward.reward),
      n,
    ),
    accuracy: share(
      count((r) => r.reward.correct),
      n,
    ),
    codeShare: share(count(usedCode), n),
    codeShareOfCorrect: share(
      count((r) => r.reward.correct && usedCode(r)),
      count((r) => r.reward.correct),
    ),
    toolCalls: share(calls, n),
    passRate: share(
      sum((r) => r.trajectory.toolCalls.filter((call) => call.result.status === "ok").length),
      calls,
    ),
    forgedOutput: share(
      count((r) => r.trajectory.assistantText.includes("```output")),
      n,
    ),
    responseLength: share(
      sum((r) => r.trajectory.length - r.trajectory.promptLength),
      n,
    ),
    truncated: share(
      count((r) => r.trajectory.stopReason === "maxTokens"),
      n,
    ),
    forcedBoundaries: share(
      sum((r) => r.trajectory.forcedBoundaries),
      calls,
    ),
    zeroVariance: share([...groups.values()].filter((rewards) => rewards.size === 1).length, groups.size),
    infrastructure: share(batch.dropped, n + batch.dropped),
  };
}
