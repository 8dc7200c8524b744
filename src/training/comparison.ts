import { InvalidInputError } from "../base/errors.ts";
import { nearestNames } from "../base/nearest.ts";
import { displaySymbol } from "../display/host.ts";
import { type Chart, formatNumber, lineChart, type MimeBundle, table } from "../display/index.ts";
import type { TrainerSettings } from "./config.ts";

/** One arm of a comparison: what it changes, and its metrics step by step for each seed. */
export interface ComparisonArm {
  readonly name: string;
  readonly changes: Partial<TrainerSettings>;
  readonly runs: { readonly seed: number; readonly metrics: readonly Readonly<Record<string, number>>[] }[];
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
  /** Seeds in which the difference has the sign of its mean. */
  readonly sameSign: number;
  readonly seeds: number;
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
    this.#check(metric);
    const last = options.last ?? Math.max(1, Math.round(this.steps / 5));
    const finals = this.arms.map(({ runs }) =>
      runs.map(({ metrics }) => average(metrics.slice(-last).map((step) => step[metric]!))),
    );
    return this.arms.map(({ name }, arm) => {
      const values = finals[arm]!;
      const differences = values.map((value, seed) => value - finals[0]![seed]!);
      const difference = average(differences);
      return {
        arm: name,
        final: average(values),
        deviation: deviation(values),
        difference,
        sameSign: differences.filter((value) => Math.sign(value) === Math.sign(difference)).length,
        seeds: values.length,
      };
    });
  }

  /** Curves of a metric: the mean over the seeds, and a band from the lowest to the highest. */
  chart(metric = "reward"): Chart {
    this.#check(metric);
    const steps = Array.from({ length: this.steps }, (_, step) => step + 1);
    return lineChart(
      this.arms.map(({ name, runs }) => {
        const at = (step: number) => runs.map(({ metrics }) => metrics[step - 1]![metric]!);
        const band = {
          low: steps.map((step) => Math.min(...at(step))),
          high: steps.map((step) => Math.max(...at(step))),
        };
        return { name, x: steps, y: steps.map((step) => average(at(step))), ...(runs.length > 1 && { band }) };
      }),
      { x: "step", y: metric },
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
    const caption = `Reward over the last steps of ${this.steps}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
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
