import { z } from "zod";
import { RandomStream } from "../base/random.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol } from "../display/host.ts";
import { type Chart, lineChart, type MimeBundle } from "../display/index.ts";
import type { ExecutionStatus } from "../interpreter/types.ts";
import { cardBundle } from "./card-display.ts";
import { bootstrapInterval, type Estimate, mean, passAtK } from "./statistics.ts";
import {
  type EvaluationSettings,
  type EvaluationSummary,
  settingsSchema,
  summarise,
  type TaskResult,
} from "./summary.ts";

const executionStatuses = [
  "ok",
  "error",
  "timeout",
  "memory",
  "outputLimit",
  "crash",
  "infrastructure",
] as const satisfies readonly ExecutionStatus[];
const sampleSchema = z.strictObject({
  correct: z.boolean(),
  answer: z.string().nullable(),
  toolCalls: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
  executions: z.array(z.enum(executionStatuses)).optional(),
});
const cardSchema = z.strictObject({
  name: z.string(),
  tasks: z
    .array(z.strictObject({ taskId: z.string(), family: z.string(), samples: z.array(sampleSchema).nonempty() }))
    .nonempty(),
  seconds: z.number().nonnegative().optional(),
  settings: settingsSchema.optional(),
});

/** A card as plain data. */
export interface CardData {
  name: string;
  tasks: readonly TaskResult[];
  seconds?: number;
  settings?: EvaluationSettings;
}

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
  /** How the responses were sampled and judged, where known. */
  readonly settings: EvaluationSettings | undefined;
  readonly summary: EvaluationSummary;
  /** The same figures for each family, in the order in which families first appear. */
  readonly families: Readonly<Record<string, EvaluationSummary>>;

  /** @throws InvalidInputError when there is no task, or a task without a sample. */
  constructor(data: CardData) {
    const { name, tasks, seconds, settings } = parseInput(cardSchema, data, "evaluation");
    this.name = name;
    this.tasks = tasks;
    this.seconds = seconds;
    this.settings = settings;
    this.summary = summarise(tasks);
    const names = [...new Set(tasks.map((task) => task.family))];
    this.families = Object.fromEntries(
      names.map((family) => [family, summarise(tasks.filter((task) => task.family === family))]),
    );
  }

  /** Mean unbiased pass@k over tasks, for any `k` up to the number of samples. */
  passAtK(k: number): number {
    return mean(this.#passAtK(k));
  }

  /** pass@k with its 95 % bootstrap interval over tasks; the same card gives the same interval. */
  passAtKInterval(k: number): Estimate {
    const stream = new RandomStream(0, "bootstrap", k);
    return bootstrapInterval(this.#passAtK(k), () => stream.next());
  }

  /** pass@k over k, logarithmic, with bootstrap bands: this card's curve, and others' beside it. */
  curve(...others: readonly EvaluationCard[]): Chart {
    return lineChart(
      [this, ...others].map((card) => {
        const ks = Object.keys(card.summary.passAtK).map(Number);
        const estimates = ks.map((k) => card.passAtKInterval(k));
        return {
          name: card.name,
          x: ks,
          y: estimates.map(({ value }) => value),
          band: { low: estimates.map(({ low }) => low), high: estimates.map(({ high }) => high) },
        };
      }),
      { x: "k", y: "pass@k", logX: true, domainY: [0, 1] },
    );
  }

  /** Plain data from which `new EvaluationCard(…)` makes the card again. */
  toJSON(): CardData {
    const { name, tasks, seconds, settings } = this;
    return { name, tasks, ...(seconds !== undefined && { seconds }), ...(settings && { settings }) };
  }

  #passAtK(k: number): number[] {
    return this.tasks.map(({ samples }) =>
      passAtK(samples.length, samples.filter((sample) => sample.correct).length, k),
    );
  }

  [displaySymbol](): MimeBundle {
    return cardBundle(this);
  }
}
