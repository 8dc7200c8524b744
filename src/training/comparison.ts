import { InvalidInputError } from "../base/errors.ts";
import { nearestNames } from "../base/nearest.ts";
import { displaySymbol } from "../display/host.ts";
import { type Chart, formatNumber, lineChart, type MimeBundle, table } from "../display/index.ts";
import type { EvaluationCard } from "../evaluation/index.ts";
import type { TrainerSettings } from "./config.ts";

/** One run of an arm. */
export interface ComparisonRun {
  readonly seed: number;
  /** Of every step. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  /** What its policy could do at the end, where that was asked. */
  readonly card?: EvaluationCard;
  /** It was read from the comparison's folder. */
  readonly reused?: boolean;
}

/** One arm of a comparison: what it changes, and a run for each seed. */
export interface ComparisonArm {
  readonly name: string;
  readonly changes: Partial<TrainerSettings>;
  readonly runs: readonly ComparisonRun[];
}

/** What an arm came to, and how far it is from the control. */
export interface ArmSummary {
  readonly arm: string;
  /** Mean over the seeds of the mean over the last steps. */
  readonly final: number;
  /** Unbiased standard deviation over the seeds; NaN for one seed. */
  readonly deviation: number;
  /** Mean over the seeds of the difference from the control with the same seed. */
  readonly difference: number;
  /** Seeds in which the difference has the sign of its mean; none where that is 0. */
  readonly sameSign: number;
  readonly seeds: number;
}

/** Steps of a run, 1-based, both counted. */
export interface StepRange {
  readonly from?: number;
  readonly to?: number;
}

/** Runs with one thing changed, side by side. */
export class Comparison {
  readonly arms: readonly ComparisonArm[];
  readonly steps: number;

  constructor(arms: readonly ComparisonArm[], steps: number) {
    this.arms = arms;
    this.steps = steps;
  }

  /** The metrics that every step reported. */
  get metrics(): string[] {
    return Object.keys(this.arms[0]!.runs[0]!.metrics[0]!);
  }

  /**
   * What each arm came to in one metric.
   *
   * @param options `last`: how many final steps are averaged. Default: a fifth of the run, at least one.
   * @throws InvalidInputError for a metric that does not exist.
   */
  summary(metric = "reward", options: { last?: number } = {}): ArmSummary[] {
    const last = options.last ?? Math.max(1, Math.round(this.steps / 5));
    const range = { from: Math.max(1, this.steps - last + 1) };
    return this.arms.map(({ name }) => {
      const values = this.means(name, metric, range);
      const differences = this.differences(name, metric, range);
      const difference = average(differences);
      return {
        arm: name,
        final: average(values),
        deviation: deviation(values),
        difference,
        sameSign: differences.filter((value) => value * difference > 0).length,
        seeds: values.length,
      };
    });
  }

  /**
   * An arm's mean of a metric over some steps, for each seed.
   *
   * @throws InvalidInputError for an arm, a metric or steps that do not exist.
   */
  means(arm: string, metric: string, { from = 1, to = this.steps }: StepRange = {}): number[] {
    this.#check(metric);
    if (!(from >= 1 && from <= to && to <= this.steps))
      throw new InvalidInputError(`Steps ${from} to ${to} are not in a comparison of ${this.steps} steps.`);
    return this.arm(arm).runs.map(({ metrics }) => average(metrics.slice(from - 1, to).map((step) => step[metric]!)));
  }

  /** An arm's {@link means} less the control's with the same seed: one difference per seed. */
  differences(arm: string, metric: string, range: StepRange = {}): number[] {
    const control = this.means(this.arms[0]!.name, metric, range);
    return this.means(arm, metric, range).map((value, seed) => value - control[seed]!);
  }

  /**
   * The evaluation at the end of an arm's runs, one card per seed.
   *
   * @throws InvalidInputError for an arm that does not exist, or a comparison without evaluations.
   */
  cards(arm: string): EvaluationCard[] {
    const cards = this.arm(arm).runs.flatMap(({ card }) => card ?? []);
    if (!cards.length)
      throw new InvalidInputError(`Arm ${JSON.stringify(arm)} was not evaluated.`, "Give compare() an `evaluation`.");
    return cards;
  }

  /** @throws InvalidInputError with the nearest names for an arm that does not exist. */
  arm(name: string): ComparisonArm {
    const found = this.arms.find((arm) => arm.name === name);
    if (found) return found;
    const names = this.arms.map((arm) => arm.name);
    const near = nearestNames(name, names);
    throw new InvalidInputError(
      `No arm ${JSON.stringify(name)} was compared.`,
      `${near.length ? "Close to it" : "Compared"}: ${(near.length ? near : names).join(", ")}.`,
    );
  }

  /**
   * Curves of a metric: the mean over the seeds, and a band from the lowest to the highest.
   *
   * @param options `arms`: which ones. Default: all.
   */
  chart(metric = "reward", options: { arms?: readonly string[]; title?: string } = {}): Chart {
    this.#check(metric);
    const steps = Array.from({ length: this.steps }, (_, step) => step + 1);
    const arms = options.arms ? options.arms.map((name) => this.arm(name)) : this.arms;
    return lineChart(
      arms.map(({ name, runs }) => {
        const at = (step: number) => runs.map(({ metrics }) => metrics[step - 1]![metric]!);
        const band = {
          low: steps.map((step) => Math.min(...at(step))),
          high: steps.map((step) => Math.max(...at(step))),
        };
        return { name, x: steps, y: steps.map((step) => average(at(step))), ...(runs.length > 1 && { band }) };
      }),
      { x: "step", y: metric, ...(options.title && { title: options.title }) },
    );
  }

  async [displaySymbol](): Promise<MimeBundle> {
    const seeds = this.arms[0]!.runs.length;
    const rows = this.summary().map((arm) => ({
      arm: arm.arm,
      reward: formatNumber(arm.final),
      ...(seeds > 1 && { "±": formatNumber(arm.deviation) }),
      "from control": arm.arm === "control" ? "" : formatNumber(arm.difference),
      ...(seeds > 1 && { "same sign": arm.arm === "control" ? "" : `${arm.sameSign} of ${arm.seeds}` }),
    }));
    const runs = this.arms.flatMap((arm) => arm.runs);
    const reused = runs.filter((run) => run.reused).length;
    const caption =
      `Reward over the last steps of ${this.steps}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}` +
      (reused ? ` (${reused} of ${runs.length} runs read from the folder of an earlier comparison)` : "");
    const [figures, chart] = [table(rows, { caption })[displaySymbol](), await this.chart()[displaySymbol]()];
    return {
      "text/plain": `${figures["text/plain"]}\n${chart["text/plain"]}`,
      "text/html": `${figures["text/html"]}${chart["image/svg+xml"]}`,
    };
  }

  #check(metric: string): void {
    const known = this.metrics;
    if (known.includes(metric)) return;
    const names = nearestNames(metric, known);
    throw new InvalidInputError(
      `No step reported the metric ${JSON.stringify(metric)}.`,
      `${names.length ? "Close to it" : "Reported"}: ${(names.length ? names : known).join(", ")}.`,
    );
  }
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const mean = average(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
