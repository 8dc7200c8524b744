import { isAgentSource } from "../rollout/trajectory-types.ts";
import type { Batch, ScoredRollout } from "./batch.ts";
import { hasForgedOutput, isRepetitive, isTruncated, responseLength, zeroVarianceGroups } from "./rollout-traits.ts";

/** What a batch of rollouts looks like, before any training on it. */
export interface RolloutMetrics {
  /** Mean reward, before what filters take off. */
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
  /** Share of executions that ended in an error; 0 without any execution. */
  toolErrors: number;
  /** Share of rollouts whose policy wrote an output block itself. */
  forgedOutput: number;
  /** Tokens after the prompt, tool outputs included. */
  responseLength: number;
  /** Share of rollouts cut by the length limit. */
  truncated: number;
  /** Share of rollouts in which some run of 8 sampled tokens comes at least 4 times. */
  repetition: number;
  /** Share of boundaries where sampled text had to be replaced by forced tokens. */
  forcedBoundaries: number;
  /** Share of prompts whose rollouts all got the same reward: they teach nothing. */
  zeroVariance: number;
  /** Share of rollouts lost to infrastructure. */
  infrastructure: number;
  /** Share of rollouts in which an expert wrote; absent where none did in any. */
  interventions?: number;
  /** With dynamic sampling: rounds of further prompts, prompts thrown away, accuracy over all that was collected. */
  refillRounds?: number;
  discardedPrompts?: number;
  collectedAccuracy?: number;
}

/** Share of rollouts that each filter masked (`filtered.<name>`) or punished (`penalised.<name>`). */
export interface FilterMetrics {
  [metric: `filtered.${string}` | `penalised.${string}`]: number;
}

/** Share of executions that ended in an error of each class: Python's own name for it, or how the execution ended. */
export interface ErrorMetrics {
  [metric: `toolErrors.${string}`]: number;
}

/** Classes that a step tells, the most frequent. */
const maxErrorClasses = 8;

const share = (part: number, whole: number) => (whole ? part / whole : 0);

export function rolloutMetrics(batch: Batch): RolloutMetrics {
  const { rollouts } = batch;
  const count = (test: (rollout: ScoredRollout) => boolean) => rollouts.filter(test).length;
  const sum = (value: (rollout: ScoredRollout) => number) => rollouts.reduce((total, r) => total + value(r), 0);
  const usedCode = ({ trajectory }: ScoredRollout) => trajectory.toolCalls.length > 0;
  const n = rollouts.length;
  const helped = count(({ trajectory }) => trajectory.sources.some(isAgentSource));
  const calls = sum((r) => r.trajectory.toolCalls.length);
  const passed = sum((r) => r.trajectory.toolCalls.filter((call) => call.result.status === "ok").length);
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
    passRate: share(passed, calls),
    toolErrors: share(calls - passed, calls),
    forgedOutput: share(count(hasForgedOutput), n),
    responseLength: share(sum(responseLength), n),
    truncated: share(count(isTruncated), n),
    repetition: share(count(isRepetitive), n),
    forcedBoundaries: share(
      sum((r) => r.trajectory.forcedBoundaries),
      calls,
    ),
    zeroVariance: share(zeroVarianceGroups(rollouts).size, new Set(rollouts.map(({ group }) => group)).size),
    infrastructure: share(batch.dropped, n + batch.dropped),
    ...(helped && { interventions: share(helped, n) }),
    ...(batch.refill && {
      refillRounds: batch.refill.rounds,
      discardedPrompts: batch.refill.discardedPrompts,
      collectedAccuracy: batch.refill.collectedAccuracy,
    }),
  };
}

/** The classes of a batch's errors; those that did not occur are absent. */
export function errorMetrics({ rollouts }: Batch): ErrorMetrics {
  const results = rollouts.flatMap(({ trajectory }) => trajectory.toolCalls.map(({ result }) => result));
  const counts = new Map<string, number>();
  for (const { status, error } of results) {
    if (status === "ok") continue;
    // A name of one's own may be anything; it becomes a metric's name here.
    const name = status === "error" && /^\w{1,60}$/.test(error?.name ?? "") ? error!.name : status;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).slice(0, maxErrorClasses);
  return Object.fromEntries(most.map(([name, count]) => [`toolErrors.${name}`, share(count, results.length)]));
}
