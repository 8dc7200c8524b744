import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { boundaryNames } from "../rollout/boundary.ts";
import { promptFormatNames } from "../rollout/prompts.ts";
import { advantageEstimatorSchema } from "./advantages/index.ts";
import { adaptiveEntropySchema } from "./controllers/adaptive-entropy.ts";
import { adaptiveKlSchema } from "./controllers/adaptive-kl.ts";
import { type Controlled, type ControllerStates, optimizerAge, valueAt } from "./controllers/index.ts";
import { referenceSchema } from "./controllers/reference-reset.ts";
import { filtersSchema } from "./filters/index.ts";
import { guardsSchema } from "./guards/guard.ts";
import { lossAggregations } from "./objectives/aggregation.ts";
import { importanceLevels } from "./objectives/importance.ts";
import { policyLossSchema } from "./objectives/index.ts";
import { klForms } from "./objectives/kl.ts";
import { OwnSchedule, stepsTried } from "./parts/own-schedule.ts";
import { scheduleOf } from "./schedule.ts";

/** Hyperparameters that may follow a schedule over the steps. */
const schedules = {
  /** AdamW step size. */
  learningRate: scheduleOf(z.number().nonnegative()).default(7e-4),
  /** The critic's AdamW step size, for estimators that need one. */
  criticLearningRate: scheduleOf(z.number().nonnegative()).default(1e-3),
  weightDecay: scheduleOf(z.number().nonnegative()).default(0.01),
  /** Gradients are scaled down to this global norm. */
  maxGradNorm: scheduleOf(z.number().positive()).default(1),
  /** The ratio is clipped below at 1 - clipRatioLow. */
  clipRatioLow: scheduleOf(z.number().positive().max(1)).default(0.2),
  /** The ratio is clipped above at 1 + clipRatioHigh ("clip-higher"). */
  clipRatioHigh: scheduleOf(z.number().positive()).default(0.28),
  /** Dual clip: with a negative advantage the loss is at most this times the advantage's size. */
  clipRatioDual: scheduleOf(z.number().gt(1)).default(3),
  /** Weight of the penalty for leaving the reference policy; 0: no reference is kept. May be `{ adaptive }`. */
  klCoef: scheduleOf(z.number().nonnegative(), adaptiveKlSchema).default(0),
  /** Weight of the entropy bonus. May be `{ adaptive }`. */
  entropyCoef: scheduleOf(z.number(), adaptiveEntropySchema).default(0),
  /** Executions allowed per rollout: the tool budget. */
  maxToolCalls: scheduleOf(z.number().int().nonnegative()).default(3),
  /** Tokens of a rollout in all, prompt included. */
  maxLength: scheduleOf(z.number().int().positive()).default(96),
  temperature: scheduleOf(z.number().positive()).default(1),
  topP: scheduleOf(z.number().positive().max(1)).default(1),
  /** Discount per trained token, for estimators that look at tokens. */
  gamma: scheduleOf(z.number().min(0).max(1)).default(1),
  /** GAE's decay: 1 takes returns as they came, less leans on the critic's values. */
  gaeLambda: scheduleOf(z.number().min(0).max(1)).default(1),
  /** How far a value may leave the one that the critic gave when the batch was scored, in the critic's loss (PPO). */
  valueClip: scheduleOf(z.number().positive()).default(0.5),
  /** Temperatures of SAPO's gate for positive and for other advantages. */
  sapoTauPositive: scheduleOf(z.number().positive()).default(1),
  sapoTauNegative: scheduleOf(z.number().positive()).default(1.05),
  /** Share of tokens that Clip-Cov and KL-Cov pick, the covariances between which Clip-Cov draws, KL-Cov's penalty. */
  covRatio: scheduleOf(z.number().positive().max(1)).default(2e-4),
  covLow: scheduleOf(z.number()).default(1),
  covHigh: scheduleOf(z.number()).default(5),
  covKlCoef: scheduleOf(z.number().nonnegative()).default(1),
  /**
   * Truncated importance sampling, for rollouts that another policy sampled: each token's loss is weighted by
   * min(pi_old / pi_behaviour, importanceCap); 0: it is not.
   */
  importanceCap: scheduleOf(z.number().nonnegative()).default(0),
  /** Mini-batches after one whose KL(old || new) passes 1.5 times this are left out of the step; 0: none. */
  klStop: scheduleOf(z.number().nonnegative()).default(0),
};

/**
 * Every hyperparameter of a training run. Defaults are those of the CIR recipe at the scale of tiny policies; a recipe
 * sets all of them and says where it leaves its paper.
 */
export const trainerConfigSchema = z.strictObject({
  ...schedules,
  /** Prompts collected per step. */
  promptsPerStep: z.int().positive().default(32),
  /** Rollouts per prompt: one group. */
  numGenerations: z.int().positive().default(8),
  /** Optimizer steps per collection; the rollouts are split evenly, whole groups together. */
  miniBatches: z.int().positive().default(2),
  /** Steps over which the learning rates rise from 0; the policy's again when its optimizer is reset. */
  warmupSteps: z.int().nonnegative().default(3),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.99),
  adamEpsilon: z.number().positive().default(1e-8),
  /** An estimator by name, `{ baseline, scale, count }`, or one of your own; see `estimator`. */
  advantageEstimator: advantageEstimatorSchema.default("reinforce++-baseline"),
  /** Tokens that count in the advantage statistics: the whole response, tool outputs included (CIR), or trainable ones. */
  advantageTokens: z.enum(["response", "trainable"]).default("response"),
  /** First steps, in which only the critic learns. */
  criticWarmup: z.int().nonnegative().default(0),
  /** The policy loss by name, or one of your own; see `objective`. */
  policyLoss: policyLossSchema.default("ppo-clip"),
  /** How tokens' losses become one number. */
  lossAggregation: z.enum(lossAggregations).default("token-mean"),
  /** Estimate of the KL divergence from the reference. */
  klForm: z.enum(klForms).default("k3"),
  /** Where the KL penalty goes: into the loss, or into the reward of each token. */
  klIn: z.enum(["loss", "reward"]).default("loss"),
  /** Whether the reference policy stays what it was, is reset to the policy now and then, or follows it slowly. */
  reference: referenceSchema.default("fixed"),
  /** Whether importanceCap bounds a token's own ratio, or the product over its rollout. */
  importanceLevel: z.enum(importanceLevels).default("token"),
  /** A rollout's code cells share variables (ReTool style); false: each starts anew (CIR). */
  statefulCode: z.boolean().default(false),
  /** How the policy asks for the tool; `"auto"`: as the interpreter says, which for code is the precise rule. */
  boundary: z.enum(["auto", ...boundaryNames]).default("auto"),
  /** Leave tool outputs out of the loss. */
  maskToolTokens: z.boolean().default(true),
  /**
   * What an expert wrote in a rollout is left out of the loss (`mask`). With `offPolicy` those of its tokens are trained on
   * whose log-prob under the expert is known (`agents.remote` with `logprobs`), with that as the behaviour's: the ratio is
   * pi / pi_expert. Tokens without one are left out in any case.
   */
  agentTokens: z.enum(["mask", "offPolicy"]).default("mask"),
  /** How tasks are put to the policy. */
  promptFormat: z.enum(promptFormatNames).default("code"),
  /** Share of rollouts lost to infrastructure above which a step stops the run. */
  maxInfrastructureRate: z.number().min(0).max(1).default(0.05),
  /** Which rollouts stay out of the loss, and which rewards are punished: filters in the order in which they look. */
  filters: filtersSchema.default([]),
  /** What is watched, and what happens when a limit is passed; see `guards.default()`. */
  guards: guardsSchema.default([]),
  /** Steps between the weights that a guard may go back to. */
  rollbackEvery: z.int().positive().default(1),
  /** Training pauses when guards have gone back `count` times `within` so many steps: what they find does not go away. */
  rollbackLimit: z
    .strictObject({ count: z.int().positive().default(5), within: z.int().positive().default(50) })
    .prefault({}),
  /** Steps between checkpoints; 0 writes none but the last. */
  checkpointEvery: z.int().nonnegative().default(20),
  /** Which checkpoints stay on disk; the first, the last and marked ones always do. */
  checkpoints: z
    .strictObject({
      /** How many of the newest. */
      keepLast: z.int().positive().default(20),
      /** Every one whose step is a multiple of it; 0: none for that. */
      keepEvery: z.int().nonnegative().default(100),
      /** Bytes that all of a run's checkpoints may take; the oldest go first. Default 4 GB. */
      maxBytes: z.number().positive().default(4e9),
    })
    .prefault({}),
});

/** A complete configuration. */
export type TrainerConfig = z.infer<typeof trainerConfigSchema>;

/** What a user gives: everything has a default. */
export type TrainerSettings = z.input<typeof trainerConfigSchema>;

/** Hyperparameters that may be scheduled. */
export type ScheduledName = keyof typeof schedules;

const scheduledNames = Object.keys(schedules) as ScheduledName[];

/** A configuration at one step: every schedule is the number that holds there. */
export type StepConfig = Omit<TrainerConfig, ScheduledName> & Record<ScheduledName, number>;

/** The settings that may be scheduled, by name. */
export const scheduledSettings = (config: TrainerConfig): Record<ScheduledName, Controlled> =>
  Object.fromEntries(scheduledNames.map((name) => [name, config[name]])) as Record<ScheduledName, Controlled>;

/**
 * The values that hold at a step (0-based). Learning rates include the warm-up; what counts things is rounded.
 *
 * @param states of triggers and adaptive coefficients; without theirs they stand where they begin.
 * @throws InvalidInputError where a schedule of the user's own leaves its hyperparameter's range after the steps at which
 * it was tried.
 * @example
 * configAt(trainer.config, 150).maxToolCalls; // 3
 */
export function configAt(config: TrainerConfig, step: number, states: ControllerStates = {}): StepConfig {
  const values = Object.fromEntries(
    Object.entries(scheduledSettings(config)).map(([name, setting]) => {
      const value = valueAt(name, setting, step, states);
      if (setting instanceof OwnSchedule && step >= stepsTried) checkValue(name as ScheduledName, setting, step, value);
      return [name, value];
    }),
  ) as Record<ScheduledName, number>;
  const warmup = (age: number) => Math.min(1, (age + 1) / Math.max(1, config.warmupSteps));
  return {
    ...config,
    ...values,
    learningRate: values.learningRate * warmup(optimizerAge(step, states)),
    criticLearningRate: values.criticLearningRate * warmup(step),
    maxToolCalls: Math.round(values.maxToolCalls),
    maxLength: Math.round(values.maxLength),
  };
}

function checkValue(name: ScheduledName, { name: own }: OwnSchedule, step: number, value: number): void {
  const issue = schedules[name].safeParse(value).error?.issues[0];
  if (!issue) return;
  throw new InvalidInputError(
    `The schedule ${JSON.stringify(own)} gives ${name} the value ${value} at step ${step}: ${issue.message}`,
    `Set ${name} to a number, or to a schedule that stays in its range.`,
  );
}
