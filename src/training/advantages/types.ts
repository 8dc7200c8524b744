/** What an advantage estimator looks at: plain arrays, one entry per rollout. */
export interface AdvantageInput {
  /** Reward of each rollout. */
  readonly rewards: readonly number[];
  /** Which prompt each rollout belongs to. */
  readonly groups: readonly number[];
  /** Tokens that count in the statistics, per rollout: trainable ones, or the whole response. */
  readonly tokenCounts: readonly number[];
}

/** One advantage per rollout, which all of its tokens share. */
export type AdvantageEstimator = (input: AdvantageInput) => Float64Array;
