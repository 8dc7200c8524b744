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
}

export interface RewardResult {
  reward: number;
  /** The final answer is right, whatever the reward. */
  correct: boolean;
  /** What the verdict rests on: plain data for people. */
  detail: Record<string, unknown>;
}

/** Judges one finished response. Implement it to bring your own. */
export interface Reward {
  readonly name: string;
  score(input: RewardInput): RewardResult | Promise<RewardResult>;
}
