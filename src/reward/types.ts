/** What a reward looks at. */
export interface RewardInput {
  /** The task; only its reference answer is needed. */
  task: { readonly answer: string };
  /** What the policy itself wrote, tool outputs removed. */
  text: string;
  /** What tools answered. Apart, so that an answer which only a tool printed is never taken for the policy's. */
  toolText?: string;
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
