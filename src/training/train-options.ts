import type { PlacedEdit } from "../rollout/edits.ts";

/** Options of a training. */
export interface TrainOptions {
  /** What its panel is called. */
  readonly title?: string;
  /** The folder in which the run's own folder is made, or false: nothing is recorded. Default `"runs"`. */
  readonly record?: string | false;
  /** Changes of rollouts to be made in the steps that they name, as a recorded run had them. Default: none. */
  readonly interventions?: readonly PlacedEdit[];
}

export type LoopState = "new" | "running" | "paused" | "completed" | "stopped" | "interrupted" | "failed";
