import { type RecordedEvent, type Run, stepsOf } from "../recording/index.ts";
import type { ExportedFile } from "./exported.ts";
import { writeLines } from "./files.ts";

/** One step as a line: its metrics under their own names, those of evaluations after it as `evaluation/<label>/<metric>`. */
export interface MetricsLine {
  readonly step: number;
  /** When it was recorded: Unix time in seconds. */
  readonly time: number;
  readonly [metric: string]: number | null;
}

/** Writes `metrics.jsonl`: a line for each step that leads to where the run stands. */
export async function writeMetrics(run: Run, folder: string): Promise<ExportedFile[]> {
  const events = await run.events();
  return writeLines(folder, ["metrics.jsonl"], async (add) => {
    for (const line of metricsLines(events)) await add(0, line);
  });
}

export function metricsLines(events: readonly RecordedEvent[]): MetricsLine[] {
  const evaluations = new Map<number, Record<string, number | null>>();
  for (const event of events) {
    if (event.type === "rewound")
      for (const step of evaluations.keys()) if (step > event.step) evaluations.delete(step);
    if (event.type !== "evaluation") continue;
    const named = Object.entries(event.metrics).map(([name, value]) => [`evaluation/${event.label}/${name}`, value]);
    evaluations.set(event.step, { ...evaluations.get(event.step), ...Object.fromEntries(named) });
  }
  return stepsOf(events).map(({ step, time, metrics }) => ({
    step,
    time: time / 1000,
    ...metrics,
    ...evaluations.get(step),
  }));
}
