import type { LabContext } from "../base/context.ts";
import type { Policy } from "../policy/policy.ts";
import type { Run } from "../recording/index.ts";
import type { Batch } from "./batch.ts";
import type { TrainerConfig } from "./config.ts";
import type { Alert, GuardStates } from "./guards/types.ts";
import type { FilterMetrics, RolloutMetrics } from "./metrics.ts";
import type { OptimizerState } from "./optimizer.ts";

/** What an update did. */
export interface UpdateReport {
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
  /** Estimated KL(policy || reference), where it is part of the loss. */
  readonly refKl?: number;
  readonly learningRate: number;
  /** Trained tokens. */
  readonly tokens: number;
  /** Mini-batches that changed nothing: the gradient was not finite or above a guard's limit, or no token was left. */
  readonly skipped: number;
  /** Mini-batches left out by the KL stop, where one is set. */
  readonly klStopped?: number;
}

/** One training step, as the loop hands it out. */
export interface StepReport {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly metrics: Readonly<RolloutMetrics & FilterMetrics & UpdateReport & { maxToolCalls: number }>;
  /** What looked wrong in this step, and what was done about it. */
  readonly alerts: readonly Alert[];
  readonly batch: Batch;
  /** Where the time went. */
  readonly seconds: { readonly collect: number; readonly update: number };
}

/** Weights and moments after a step. */
export interface TrainerSnapshot {
  readonly step: number;
  readonly weights: Record<string, Float32Array>;
  readonly optimizer: OptimizerState;
}

/** What guards carry from step to step: a run resumed with it equals one that was never stopped. */
export interface GuardMemory {
  readonly states: GuardStates;
  /** The last good weights, where a guard may go back to them. */
  readonly lastGood?: TrainerSnapshot;
}

/** A trainer's whole state. */
export interface TrainerCheckpoint extends TrainerSnapshot {
  readonly policyVersion: number;
  /** Absent from checkpoints of versions without guards. */
  readonly guards?: GuardMemory;
  /** The reference policy's weights, where one is kept. */
  readonly reference?: Record<string, Float32Array>;
}

/** What a run of training steps needs of its trainer. */
export interface StepTaker {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly taskset: { readonly name: string };
  readonly config: TrainerConfig;
  readonly step: number;
  trainStep(): Promise<StepReport>;
  checkpoint(): Promise<TrainerCheckpoint>;
  /** @throws InvalidInputError naming every setting that is unknown or out of range; none is changed then. */
  configure(changes: Readonly<Record<string, unknown>>): void;
  openRun(folder: string): Promise<Run>;
}
