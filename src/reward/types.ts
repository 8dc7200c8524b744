import type { ExecutionResult } from "../interpreter/types.ts";

/** What the policy wrote between two tool outputs. */
export interface RewardTurn {
  readonly text: string;
  /** What running its code gave; absent from a turn that ended without an execution, as the answer's does. */
  readonly execution?: ExecutionResult;
}

/** What one turn earned by itself. */
export interface TurnReward {
  /** Whether the turn works on the answer or checks it. */
  readonly kind: "generation" | "verification";
  readonly reward: number;
}

/** What a reward looks at. */
export interface RewardInput {
  /** The task; of it only what the answer is judged against. */
  task: {
    readonly answer: string;
    /** What cannot be said as one answer: hidden tests. The reward that reads it checks it. */
    readonly reference?: unknown;
  };
  /** What the policy itself wrote, tool outputs removed. */
  text: string;
  /** What tools answered. Apart, so that an answer which only a tool printed is never taken for the policy's. */
  toolText?: string;
  /** Training step, from 0; only rewards with a schedule need it. */
  step?: number;
  /** Length of the response in tokens; only rewards of length need it. */
  tokens?: number;
  /** The response in turns; only rewards of turns need them. */
  turns?: readonly RewardTurn[];
}

export interface RewardResult {
  reward: number;
  /** The final answer is right, whatever the reward. */
  correct: boolean;
  /** What the verdict rests on: plain data for people. */
  detail: Record<string, unknown>;
  /** What each turn earned beside the reward: one for each of the input's turns. Estimators that credit turns need it. */
  turnRewards?: readonly TurnReward[];
}

/** Judges one finished response. To bring your own, see `reward`. */
export interface Reward {
  readonly name: string;
  /** The rewards that it adds up. */
  readonly terms?: readonly Reward[];
  score(input: RewardInput): RewardResult | Promise<RewardResult>;
}
