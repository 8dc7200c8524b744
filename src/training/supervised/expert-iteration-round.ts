import { z } from "zod";
import { formatPercent } from "../../display/index.ts";
import { trainerConfigSchema } from "../config.ts";
import type { Alert } from "../guards/types.ts";
import type { LearnerStep, LearnerView } from "../learner.ts";
import type { RolloutMetrics } from "../metrics.ts";
import { rejectionSettings, type Selection } from "./rejection-sampling.ts";
import { sftSchema } from "./sft-trainer.ts";

/** Settings of expert iteration. */
export const expertIterationSchema = z.strictObject({
  ...rejectionSettings,
  /** Where each round's fine-tuning begins. */
  from: z.enum(["base", "current"]).default("base"),
  /** Passes over what was kept. */
  epochs: z.int().positive().default(2),
  /** Settings of the fine-tuning; its checkpoints and held-back samples have no say here. */
  sft: sftSchema
    .omit({ checkpointEvery: true, checkpoints: true, evaluateEvery: true, validationShare: true })
    .prefault({}),
  /** Rounds between checkpoints. */
  checkpointEvery: trainerConfigSchema.shape.checkpointEvery.unwrap().default(1),
  checkpoints: trainerConfigSchema.shape.checkpoints,
});

export type ExpertIterationConfig = z.infer<typeof expertIterationSchema>;
export type ExpertIterationSettings = z.input<typeof expertIterationSchema>;

/** Figures of a round. Those of the rollouts tell of the policy before the round's fine-tuning. */
export interface ExpertIterationMetrics extends RolloutMetrics {
  /** Rollouts that were learnt from. */
  readonly kept: number;
  /** Share of the prompts with at least one right rollout. */
  readonly coverage: number;
  readonly duplicates: number;
  readonly surplus: number;
  /** Cross-entropy in the last step of the fine-tuning; absent where nothing was kept. */
  readonly loss?: number;
  /** Optimizer steps of the fine-tuning. */
  readonly steps: number;
}

/** A round, as the loop hands it out. */
export interface ExpertIterationRound extends LearnerStep {
  readonly metrics: Readonly<ExpertIterationMetrics>;
  readonly seconds: { readonly collect: number; readonly update: number };
  readonly batch: Selection;
}

export const expertIterationView: LearnerView = {
  curves: [
    { key: "accuracy", format: formatPercent },
    { key: "coverage", label: "prompts solved", format: formatPercent },
    { key: "kept", label: "rollouts kept" },
    { key: "loss" },
    { key: "codeShare", label: "uses code", format: formatPercent },
  ],
  line: ({ accuracy, kept }) => [`accuracy ${formatPercent(accuracy!)}`, `${kept} kept`],
};

/** What a round says in which no rollout was right. */
export const nothingKept = (step: number): Alert => ({
  guard: "kept",
  metric: "kept",
  value: 0,
  limit: 0,
  step,
  action: "alert",
  message: "no rollout was right: the policy stays as it is",
  hint: "Take easier tasks, more rollouts of each prompt, or a better base.",
  rollouts: [],
});
