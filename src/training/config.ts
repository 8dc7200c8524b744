import { z } from "zod";
import { advantageEstimators } from "./advantages/index.ts";
import { scheduleSchema } from "./schedule.ts";

const estimatorNames = Object.keys(advantageEstimators) as [string, ...string[]];

/**
 * Every hyperparameter of a training run. Defaults are those of the CIR recipe at the scale of tiny policies; a recipe
 * sets all of them and says where it leaves its paper.
 */
export const trainerConfigSchema = z.strictObject({
  /** Prompts collected per step. */
  promptsPerStep: z.int().positive().default(32),
  /** Rollouts per prompt: one group. */
  numGenerations: z.int().min(2).default(8),
  /** Optimizer steps per collection; the rollouts are split evenly, whole groups together. */
  miniBatches: z.int().positive().default(2),
  /** AdamW step size, or its schedule. */
  learningRate: scheduleSchema.default(7e-4),
  /** Steps over which the learning rate rises from 0. */
  warmupSteps: z.int().nonnegative().default(3),
  weightDecay: z.number().nonnegative().default(0.01),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.99),
  adamEpsilon: z.number().positive().default(1e-8),
  /** Gradients are scaled down to this global norm. */
  maxGradNorm: z.number().positive().default(1),
  /** The ratio is clipped below at 1 - clipRatioLow. */
  clipRatioLow: z.number().positive().lt(1).default(0.2),
  /** The ratio is clipped above at 1 + clipRatioHigh ("clip-higher"). */
  clipRatioHigh: z.number().positive().default(0.28),
  /** Dual clip: with a negative advantage the loss is at most this times the advantage's size. */
  clipRatioDual: z.number().gt(1).default(3),
  advantageEstimator: z.enum(estimatorNames).default("reinforce++-baseline"),
  /** Tokens that count in the advantage statistics: the whole response, tool outputs included (CIR), or trainable ones. */
  advantageTokens: z.enum(["response", "trainable"]).default("response"),
  /** Leave tool outputs out of the loss. */
  maskToolTokens: z.boolean().default(true),
  /** Executions allowed per rollout, or their schedule over the steps. */
  maxToolCalls: scheduleSchema.default(3),
  /** Tokens of a rollout in all, prompt included. */
  maxLength: z.int().positive().default(96),
  temperature: z.number().positive().default(1),
  topP: z.number().positive().max(1).default(1),
  /** How tasks are put to the policy: code allowed, or text only. */
  promptFormat: z.enum(["code", "text"]).default("code"),
  /** Share of rollouts lost to infrastructure above which a step stops the run. */
  maxInfrastructureRate: z.number().min(0).max(1).default(0.05),
  /** Steps between checkpoints; 0 writes none but the last. */
  checkpointEvery: z.int().nonnegative().default(20),
});

/** A complete configuration. */
export type TrainerConfig = z.infer<typeof trainerConfigSchema>;

/** What a user gives: everything has a default. */
export type TrainerSettings = z.input<typeof trainerConfigSchema>;
