import type { TurnReward } from "../../reward/index.ts";

/** What an advantage estimator looks at: plain arrays, one entry per rollout. */
export interface AdvantageInput {
  /** Reward of each rollout. */
  readonly rewards: readonly number[];
  /** Which prompt each rollout belongs to. */
  readonly groups: readonly number[];
  /** Tokens that count in the statistics, per rollout: trainable ones, or the whole response. */
  readonly tokenCounts: readonly number[];
  /** Tokens that are trained on, per rollout: the length of every per-token array here and in the result. */
  readonly trainedCounts?: readonly number[];
  /** What is added to the reward at each trained token, such as -beta · KL; the reward itself falls on the last. */
  readonly tokenRewards?: readonly ArrayLike<number>[];
  /** The critic's value before each trained token. */
  readonly values?: readonly ArrayLike<number>[];
  /** Reward of the greedy rollout of the same prompt, for each rollout. */
  readonly baselines?: readonly number[];
  /** Which turn (from 0) each trained token belongs to. */
  readonly turns?: readonly ArrayLike<number>[];
  /** What each turn of a rollout earned. */
  readonly turnRewards?: readonly (readonly TurnReward[])[];
  /** Executions of each rollout. */
  readonly toolCalls?: readonly number[];
  /** Whether the final answer is right. */
  readonly correct?: readonly boolean[];
  /** Discount per token. Default 1. */
  readonly gamma?: number;
  /** GAE's decay. Default 1. */
  readonly lambda?: number;
}

/** What an estimator needs beyond rewards, groups and token counts. */
export type AdvantageNeed =
  | "trainedCounts"
  | "values"
  | "baselines"
  | "turns"
  | "turnRewards"
  | "toolCalls"
  | "correct";

/** Advantages of a batch. */
export interface AdvantageResult {
  /** One per rollout; where tokens differ, the mean over the rollout's trained tokens. */
  readonly perRollout: Float64Array;
  /** One per trained token, per rollout; absent where all tokens of a rollout share one. */
  readonly perToken?: readonly Float64Array[];
  /** What the critic should have said, per trained token. */
  readonly returns?: readonly Float64Array[];
}

/** A way to turn rewards into advantages. */
export interface AdvantageEstimator {
  /** Optional parts of the input that it cannot do without. */
  readonly needs?: readonly AdvantageNeed[];
  /** Smallest group that it makes sense for. Default 1. */
  readonly minGroupSize?: number;
  estimate(input: AdvantageInput): AdvantageResult;
}
