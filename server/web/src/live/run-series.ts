import { Signal } from "@lumino/signaling";

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

/** What the charts use of a run's events; every other field and type of event passes by. */
export interface RunEvent {
  type: string;
  step?: number;
  metrics?: Record<string, unknown>;
}

/** The course of one run, in columns: the shape that charts draw without copying. */
export class RunSeries {
  readonly id: string;
  state: "training" | "ended" = "training";
  /** Whether the server has sent anything of this run yet. */
  isKnown = false;
  readonly steps: number[] = [];
  readonly columns = new Map<string, (number | null)[]>(metrics.map(({ key }) => [key, []]));
  readonly changed = new Signal<this, void>(this);

  constructor(id: string) {
    this.id = id;
  }

  /** Replaces everything: the server sends the whole history on every (re)connection. */
  restart(events: readonly RunEvent[]): void {
    this.#truncate(0);
    this.state = "training";
    for (const event of events) this.#take(event);
    this.changed.emit();
  }

  add(event: RunEvent): void {
    this.#take(event);
    this.changed.emit();
  }

  #take(event: RunEvent): void {
    this.isKnown = true;
    if (event.type === "end") this.state = "ended";
    if (event.type !== "step" || typeof event.step !== "number") return;
    this.state = "training";
    // A run that was rewound goes over the same steps again: what came after is no longer its course.
    let kept = this.steps.length;
    while (kept > 0 && this.steps[kept - 1]! >= event.step) kept--;
    this.#truncate(kept);
    this.steps.push(event.step);
    for (const [key, column] of this.columns) {
      const value = event.metrics?.[key];
      column.push(typeof value === "number" && Number.isFinite(value) ? value : null);
    }
  }

  #truncate(length: number): void {
    this.steps.length = length;
    for (const column of this.columns.values()) column.length = length;
  }
}
