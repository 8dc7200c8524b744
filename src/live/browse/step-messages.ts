/** What is asked of a recorded step's rollouts. */
export type StepAsk =
  | { readonly what: "rows" }
  /** Rollouts in full, by place. */
  | { readonly what: "rollouts"; readonly indices: readonly number[] }
  /** Places of the rollouts whose prompt or text holds something; letters' case does not matter. */
  | { readonly what: "search"; readonly text: string; readonly isRegex: boolean };

export interface StepQuestion {
  readonly folder: string;
  readonly step: number;
  readonly ask: StepAsk;
}

export type StepAnswer =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly error: { readonly name: string; readonly message: string } };
