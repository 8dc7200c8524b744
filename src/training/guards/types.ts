/** What happens when a guard's limit is passed. */
export const guardActions = ["alert", "pause", "skip", "rollback"] as const;

export type GuardAction = (typeof guardActions)[number];

/** A rollout by its place: which prompt of the batch, which sample of the prompt. */
export interface RolloutPlace {
  readonly group: number;
  readonly sample: number;
}

/** A guard's limit was passed, or a figure was not finite. */
export interface Alert {
  /** Which guard: metric and limit in words. */
  readonly guard: string;
  readonly metric: string;
  /** The metric's value in the step; NaN where it is not finite. */
  readonly value: number;
  /** The value that it may not pass: of a z-score guard, what it came to in this step; null where any finite one will do. */
  readonly limit: number | null;
  /** Steps taken, this one included. */
  readonly step: number;
  readonly action: GuardAction;
  /** What was seen and what was done about it. */
  readonly message: string;
  /** What the user can do. */
  readonly hint: string;
  /** The rollouts that contributed most, the strongest first. */
  readonly rollouts: readonly RolloutPlace[];
}

/** What a guard remembers. */
export interface GuardState {
  /** Recent values, the oldest first: at most its window. */
  readonly recent: readonly number[];
  /** Steps in a row in which the limit was passed. */
  readonly streak: number;
}

/** States of guards by their names: plain JSON. */
export type GuardStates = Readonly<Record<string, GuardState>>;
