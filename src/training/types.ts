import type { PlacedEdit } from "../rollout/edits.ts";
import type { OptimizerState } from "./adamw.ts";
import type { Advantages, Batch } from "./batch.ts";
import type { ScheduledName } from "./config.ts";
import type { ControllerStates } from "./controllers/index.ts";
import type { CourseChange } from "./controllers/types.ts";
import type { CriticState } from "./critic/critic.ts";
import type { Alert, GuardStates } from "./guards/types.ts";
import type { ErrorMetrics, FilterMetrics, RolloutMetrics } from "./metrics.ts";

/** What an update did to the critic, and how good the critic was before it. */
export interface CriticReport {
  /** The critic's loss, mean over the mini-batches, weighted by their tokens. */
  readonly valueLoss: number;
  /** 1 - Var(G - V) / Var(G) over trained tokens, V as scored; 0 where all returns are the same. */
  readonly explainedVariance: number;
  /** Mean value before trained tokens, as scored. */
  readonly valueMean: number;
  /** Share of trained tokens at which the limit of valueClip held the loss up. */
  readonly valueClipFraction: number;
  /** Largest global gradient norm of the critic before clipping. */
  readonly criticGradNorm: number;
  /** Mini-batches that changed nothing in the critic. */
  readonly criticSkipped: number;
}

/** What an update did; figures of the critic where one learns. */
export interface UpdateReport extends Partial<CriticReport> {
  /** Means over the mini-batches, weighted by their tokens; `gradNorm` and `ratioDeviation` as noted. */
  readonly loss: number;
  /** Largest global gradient norm before clipping. */
  readonly gradNorm: number;
  /** Entropy of the policy over trained tokens, in nats. */
  readonly entropy: number;
  /** k1 estimate of KL(old || new) within the update. */
  readonly kl: number;
  readonly clipFraction: number;
  /** Largest |ratio - 1| of the first mini-batch, before any update: how far the sampler is from the trainer. */
  readonly ratioDeviation: number;
  /** Largest ratio of a trained token. */
  readonly ratioMax: number;
  /** Estimated KL(policy || reference), where it is part of the loss or of the reward. */
  readonly refKl?: number;
  /** Of truncated importance sampling, over trained tokens: mean and largest ratio, share of those that the cap cut. */
  readonly importanceMean?: number;
  readonly importanceMax?: number;
  readonly importanceTruncated?: number;
  readonly learningRate: number;
  /** Trained tokens. */
  readonly tokens: number;
  /** Mini-batches that changed nothing: the gradient was not finite or above a guard's limit, or no token was left. */
  readonly skipped: number;
  /** Mini-batches left out by the KL stop, where one is set. */
  readonly klStopped?: number;
}

/** Values in force of hyperparameters that are not constant. */
export type ScheduledValues = Partial<Record<ScheduledName, number>>;

/** One training step, as the loop hands it out. */
export interface StepReport {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly metrics: Readonly<
    RolloutMetrics & ErrorMetrics & FilterMetrics & ScheduledValues & UpdateReport & { maxToolCalls: number }
  >;
  /** What looked wrong in this step, and what was done about it. */
  readonly alerts: readonly Alert[];
  /** Rollouts that a person changed before the update, in order; absent where none was. */
  readonly interventions?: readonly PlacedEdit[];
  /** What triggers and resets changed after this step, for the next. */
  readonly changes: readonly CourseChange[];
  readonly batch: Batch;
  /** What the update was given. */
  readonly advantages: Advantages;
  /** Where the time went. */
  readonly seconds: { readonly collect: number; readonly update: number };
}

/** Weights and moments after a step. */
export interface TrainerSnapshot {
  readonly step: number;
  readonly weights: Record<string, Float32Array>;
  readonly optimizer: OptimizerState;
  /** The critic's weights and moments, where there is one. */
  readonly critic?: CriticState;
}

/** What guards carry from step to step: a run resumed with it equals one that was never stopped. */
export interface GuardMemory {
  readonly states: GuardStates;
  /** The last good weights, where a guard may go back to them. */
  readonly lastGood?: TrainerSnapshot;
  /** Steps in which guards went back, of those that rollbackLimit still counts. */
  readonly rollbacks?: readonly number[];
}

/** A trainer's whole state. */
export interface TrainerCheckpoint extends TrainerSnapshot {
  readonly policyVersion: number;
  /** Absent from checkpoints of versions without guards. */
  readonly guards?: GuardMemory;
  /** Absent from checkpoints of versions without controllers. */
  readonly controllers?: ControllerStates;
  /** The reference policy's weights, where one is kept. */
  readonly reference?: Record<string, Float32Array>;
}
