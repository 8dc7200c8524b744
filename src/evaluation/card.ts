import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import type { MimeBundle } from "../display/host.ts";
import { displaySymbol } from "../display/host.ts";
import { cardBundle } from "./card-display.ts";
import { mean, passAtK } from "./statistics.ts";
import { type EvaluationSummary, summarise, type TaskResult } from "./summary.ts";

const sampleSchema = z.strictObject({
  correct: z.boolean(),
  answer: z.string().nullable(),
  toolCalls: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
});
const cardSchema = z.strictObject({
  name: z.string(),
  tasks: z
    .array(z.strictObject({ taskId: z.string(), family: z.string(), samples: z.array(sampleSchema).nonempty() }))
    .nonempty(),
  seconds: z.number().nonnegative().optional(),
});

/**
 * What an evaluation found: every sample's verdict, and all figures computed from them.
 *
 * @example
 * card.summary.accuracy.value; // avg@16
 * card.families.chain3?.passAtK[4];
 */
export class EvaluationCard {
  readonly name: string;
  readonly tasks: readonly TaskResult[];
  /** Wall-clock seconds that the evaluation took, where known. */
  readonly seconds: number | undefined;
  readonly summary: EvaluationSummary;
  /** The same figures for each family, in the order in which families first appear. */
  readonly families: Readonly<Record<string, EvaluationSummary>>;

  /** @throws InvalidInputError when there is no task, or a task without a sample. */
  constructor(data: { name: string; tasks: readonly TaskResult[]; seconds?: number }) {
    const { name, tasks, seconds } = parseInput(cardSchema, data, "evaluation");
    this.name = name;
    this.tasks = tasks;
    this.seconds = seconds;
    this.summary = summarise(tasks);
    const names = [...new Set(tasks.map((task) => task.family))];
    this.families = Object.fromEntries(
      names.map((family) => [family, summarise(tasks.filter((task) => task.family === family))]),
    );
  }

  /** Mean unbiased pass@k over tasks, for any `k` up to the number of samples. */
  passAtK(k: number): number {
    return mean(
      this.tasks.map(({ samples }) => passAtK(samples.length, samples.filter((sample) => sample.correct).length, k)),
    );
  }

  /** Plain data from which `new EvaluationCard(…)` makes the card again. */
  toJSON(): { name: string; tasks: readonly TaskResult[]; seconds?: number } {
    const { name, tasks, seconds } = this;
    return seconds === undefined ? { name, tasks } : { name, tasks, seconds };
  }

  [displaySymbol](): MimeBundle {
    return cardBundle(this);
  }
}
