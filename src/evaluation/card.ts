import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import { displaySymbol } from "../display/host.ts";
import { type Chart, lineChart, type MimeBundle, type Table } from "../display/index.ts";
import type { ExecutionStatus } from "../interpreter/types.ts";
import { cardBundle, problemTable } from "./card-display.ts";
import { bootstrapped, majorities, passes, type Score, scoresOf } from "./scores.ts";
import { type Estimate, mean } from "./statistics.ts";
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
  toolMs: z.number().nonnegative().optional(),
});
const taskSchema = z.strictObject({
  taskId: z.string(),
  family: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  samples: z.array(sampleSchema).nonempty(),
});
const cardSchema = z.strictObject({
  name: z.string(),
  tasks: z.array(taskSchema).nonempty(),
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
  /** The same figures for each value of each label of the tasks: `card.groups.level?.["5"]`. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, EvaluationSummary>>>>;

  /** @throws InvalidInputError when there is no task, or a task without a sample. */
  constructor(data: CardData) {
    const { name, tasks, seconds, settings } = parseInput(cardSchema, data, "evaluation");
    this.name = name;
    this.tasks = tasks;
    this.seconds = seconds;
    this.settings = settings;
    this.summary = summarise(tasks);
    this.families = grouped(tasks, (task) => task.family);
    const labels = [...new Set(tasks.flatMap((task) => Object.keys(task.labels ?? {})))];
    this.groups = Object.fromEntries(labels.map((label) => [label, grouped(tasks, (task) => task.labels?.[label])]));
  }

  /** avg@n, pass@k for k = 1, 2, 4, … and maj@n, each with its interval and all that it depends on. */
  get scores(): readonly Score[] {
    return scoresOf(this.tasks, Object.keys(this.summary.passAtK).map(Number), this.settings);
  }

  /** What became of each task, as a table. */
  get problems(): Table {
    return problemTable(this.name, this.tasks);
  }

  /** Mean unbiased pass@k over tasks, for any `k` up to the number of samples. */
  passAtK(k: number): number {
    return mean(passes(this.tasks, k));
  }

  /** Mean share of majority votes of `k` samples that are right, for any `k` up to the number of samples. */
  majorityAtK(k: number): number {
    return mean(majorities(this.tasks, k));
  }

  /** pass@k with its 95 % bootstrap interval over tasks; the same card gives the same interval. */
  passAtKInterval(k: number): Estimate {
    return bootstrapped(passes(this.tasks, k), k);
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

  [displaySymbol](): MimeBundle {
    return cardBundle(this);
  }
}

/** Figures of the tasks of each group, in the order in which groups first appear; tasks without one are left out. */
function grouped(
  tasks: readonly TaskResult[],
  of: (task: TaskResult) => string | undefined,
): Record<string, EvaluationSummary> {
  const names = [...new Set(tasks.flatMap((task) => of(task) ?? []))];
  return Object.fromEntries(names.map((name) => [name, summarise(tasks.filter((task) => of(task) === name))]));
}
