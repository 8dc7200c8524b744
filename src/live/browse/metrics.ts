import type { RecordedEvent } from "../../recording/index.ts";

type StepEvent = Extract<RecordedEvent, { type: "step" }>;

/** Metrics of steps in columns, as charts take them. */
export interface MetricColumns {
  readonly steps: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Every metric of about `points` steps, evenly apart; the last step is always among them. */
export function metricColumns(steps: readonly StepEvent[], points: number): MetricColumns {
  const stride = Math.max(1, Math.ceil(steps.length / points));
  const chosen = steps.filter((_, i) => (steps.length - 1 - i) % stride === 0);
  const names = new Set(chosen.flatMap(({ metrics }) => Object.keys(metrics)));
  const column = (name: string) => chosen.map(({ metrics }) => metrics[name] ?? null);
  return {
    steps: chosen.map(({ step }) => step),
    columns: Object.fromEntries([...names].map((name) => [name, column(name)])),
  };
}

/** The metric by which a run is told in a line: what it learns by. */
export const leadingMetric = (metrics: Readonly<Record<string, number | null>>): string | undefined =>
  ["reward", "loss"].find((name) => metrics[name] != null);
