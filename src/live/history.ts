import type { RecordedEvent } from "../recording/messages.ts";
import { Timeline } from "../recording/timeline.ts";
import type { OtherEvent, Points, RunUpdate } from "./messages.ts";
import { Columns } from "./points.ts";

/** Points of a metric that are kept. */
const keptPoints = 20_000;
/** Points of a metric in a piece that a reader gets who was behind. */
const sentMissed = 300;
const keptOthers = 3_000;
/** The newest events as they are, for readers that are up to date, or not far behind. */
const keptRecent = 2_000;
/** Steps whose times say how long one takes. */
const timedSteps = 50;

type StepEvent = Extract<RecordedEvent, { type: "step" }>;

/** What the figures of a step amount to in seconds. */
export const secondsMetric = "seconds";

/** What is known of a run's events: enough to show it to whoever comes, in bounded memory. */
export class RunHistory {
  timeline = new Timeline();
  /** Number of the newest event; -1 before the first. */
  seq = -1;
  time: number | undefined;
  #columns = new Columns(keptPoints);
  #others: OtherEvent[] = [];
  #recent: RecordedEvent[] = [];
  #lastStep = -1;
  /** Steps and when they ended, without what lies between two trainings or in a pause. */
  #ends: { step: number; time: number }[] = [];

  readonly #sentPoints: number;

  /** @param sentPoints about how many points of a metric a reader gets who begins with the run. */
  constructor(sentPoints: number) {
    this.#sentPoints = sentPoints;
  }

  add(event: RecordedEvent): void {
    // A number that comes twice: the file was put together by hand. The order on disk counts.
    this.seq = Math.max(this.seq + 1, event.seq);
    this.time = event.time;
    this.timeline.add(event);
    this.#recent.push({ ...event, seq: this.seq });
    if (this.#recent.length > 2 * keptRecent) this.#recent.splice(0, keptRecent);
    if (event.type === "step") {
      if (event.step <= this.#lastStep) this.#columns.cutAfter(event.step - 1);
      this.#lastStep = event.step;
      addStep(this.#columns, event);
      this.#ends.push({ step: event.step, time: event.time });
      if (this.#ends.length > timedSteps) this.#ends.shift();
      return;
    }
    if (event.type === "rewound") this.#columns.cutAfter(event.step);
    if (["rewound", "run-started", "command"].includes(event.type)) this.#ends = [];
    this.#others.push(event);
    if (this.#others.length > 2 * keptOthers) this.#others.splice(0, keptOthers);
  }

  /** Wall-clock seconds of a step, of the last that were taken one after another. */
  get secondsPerStep(): number | undefined {
    const [first, last] = [this.#ends[0], this.#ends.at(-1)];
    if (!first || !last || last.step <= first.step) return undefined;
    return (last.time - first.time) / 1000 / (last.step - first.step);
  }

  /** All that a reader needs who begins with the run. */
  whole(): Pick<RunUpdate, "after" | "seq" | "points" | "events"> {
    return {
      after: -1,
      seq: this.seq,
      points: this.#columns.snapshot(this.#sentPoints),
      events: this.#others.slice(-keptOthers),
    };
  }

  /** What came after an event; undefined where that lies too far back, or the reader has seen what never was. */
  since(after: number): Pick<RunUpdate, "after" | "seq" | "cutAfter" | "points" | "events"> | undefined {
    const first = this.#recent[0];
    if (after < 0 || after > this.seq || !first || first.seq > after + 1) return undefined;
    const missed = this.#recent.slice(this.#recent.findLastIndex(({ seq }) => seq <= after) + 1);
    const columns = new Columns(Number.POSITIVE_INFINITY);
    const events: OtherEvent[] = [];
    let cutAfter: number | undefined;
    const cut = (step: number) => {
      cutAfter = Math.min(cutAfter ?? step, step);
      columns.cutAfter(step);
    };
    let last = -1;
    for (const event of missed) {
      if (event.type !== "step") {
        events.push(event);
        if (event.type === "rewound") cut(event.step);
        continue;
      }
      if (event.step <= last) cut(event.step - 1);
      last = event.step;
      addStep(columns, event);
    }
    const points: Record<string, Points> = columns.snapshot(sentMissed);
    return { after, seq: this.seq, ...(cutAfter !== undefined && { cutAfter }), points, events };
  }
}

function addStep(columns: Columns, { step, metrics }: StepEvent): void {
  columns.add(step, metrics);
  let seconds = 0;
  let isTimed = false;
  for (const name in metrics)
    if (/^seconds[A-Z]/.test(name)) {
      seconds += metrics[name] ?? 0;
      isTimed = true;
    }
  if (isTimed) columns.push(secondsMetric, step, seconds);
}
