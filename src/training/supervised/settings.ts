import { z } from "zod";
import { trainerConfigSchema } from "../config.ts";
import { type ScheduleInput, scheduled, scheduleOf, type TimedSchedule } from "../schedule.ts";

/** A schedule by steps alone: these learners' metrics trigger nothing. */
const timed = (value: z.ZodNumber): z.ZodType<TimedSchedule, ScheduleInput> =>
  scheduleOf(value).refine(
    (schedule) => typeof schedule !== "object" || !("values" in schedule),
    "follows the steps alone here: no metric can trigger it",
  ) as z.ZodType<TimedSchedule, ScheduleInput>;

const { warmupSteps, beta1, beta2, adamEpsilon, checkpointEvery, checkpoints } = trainerConfigSchema.shape;

/** Settings of every learner that goes over a corpus. */
export const corpusSettings = {
  /** AdamW step size; for checkpoints of billions of weights about 1e-5. */
  learningRate: timed(z.number().nonnegative()).default(1e-3),
  /** Steps over which the learning rate rises from 0. */
  warmupSteps,
  weightDecay: timed(z.number().nonnegative()).default(0.01),
  /** Gradients are scaled down to this global norm. */
  maxGradNorm: timed(z.number().positive()).default(1),
  beta1,
  beta2,
  adamEpsilon,
  /** Steps between evaluations on what was held back; 0: none. */
  evaluateEvery: z.int().nonnegative().default(20),
  /** Steps between checkpoints; 0 writes none but the first and the last. */
  checkpointEvery,
  checkpoints,
};

const corpusSchema = z.object(corpusSettings);

export type CorpusConfig = z.infer<typeof corpusSchema>;

/** The numbers that hold at a step (0-based). The learning rate includes the warm-up. */
export function ratesAt(config: CorpusConfig, step: number) {
  const warmup = Math.min(1, (step + 1) / Math.max(1, config.warmupSteps));
  return {
    learningRate: scheduled(config.learningRate, step) * warmup,
    weightDecay: scheduled(config.weightDecay, step),
    maxGradNorm: scheduled(config.maxGradNorm, step),
  };
}

export type Rates = ReturnType<typeof ratesAt>;
