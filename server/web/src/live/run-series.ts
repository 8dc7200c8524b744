import { Signal } from "@lumino/signaling";
import type { RecordedEvent } from "../../../../src/recording/messages.ts";

/** A number that the live charts draw, one value a training step. */
export interface Metric {
  key: string;
  label: string;
}

export const metrics: readonly Metric[] = [
  { key: "reward", label: "Reward" },
  { key: "accuracy", label: "Accuracy" },
  { key: "toolCalls", label: "Tool calls" },
  { key: "entropy", label: "Entropy" },
  { key: "gradNorm", label: "Gradient norm" },
];

/** The course of one run, in columns: the shape that charts draw without copying. */
export class RunSeries {
  readonly id: string;
  /** How the run ended; undefined while it trains. */
  end: string | undefined;
  /** The newest warning, or the last thing that a trigger or a reset changed. */
  alert: string | undefined;
  readonly steps: number[] = [];
  readonly columns = new Map<string, (number | null)[]>(metrics.map(({ key }) => [key, []]));
  readonly changed = new Signal<this, void>(this);

  constructor(id: string) {
    this.id = id;
  }

  /** Replaces everything: the server sends the whole history on every (re)connection. */
  restart(events: readonly RecordedEvent[]): void {
    this.#truncate(0);
    this.end = this.alert = undefined;
    for (const event of events) this.#take(event);
    this.changed.emit();
  }

  add(event: RecordedEvent): void {
    this.#take(event);
    this.changed.emit();
  }

  #take(event: RecordedEvent): void {
    switch (event.type) {
      case "run-started":
        this.end = undefined;
        // A run that was rewound goes over the same steps again: what came after is no longer its course.
        this.#truncateFrom(event.step + 1);
        break;
      case "step":
        this.end = undefined;
        this.#truncateFrom(event.step);
        this.steps.push(event.step);
        for (const [key, column] of this.columns) column.push(event.metrics[key] ?? null);
        break;
      case "alert":
      case "course":
        this.alert = `step ${event.step}: ${event.text}`;
        break;
      case "run-finished":
        this.end = event.error ? `${event.reason}: ${event.error}` : event.reason;
        break;
    }
  }

  #truncateFrom(step: number): void {
    let kept = this.steps.length;
    while (kept > 0 && this.steps[kept - 1]! >= step) kept--;
    this.#truncate(kept);
  }

  #truncate(length: number): void {
    this.steps.length = length;
    for (const column of this.columns.values()) column.length = length;
  }
}
