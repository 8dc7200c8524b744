import { Signal } from "@lumino/signaling";
import type { OtherEvent, RunFacts, RunStatus, RunUpdate } from "../../../../src/live/messages.ts";
import { Columns } from "../../../../src/live/points.ts";

/** Points of a metric that a page keeps; beyond, the extremes among them stay. */
const keptPoints = 6_000;
/** Alerts that a page keeps, the newest. */
export const keptAlerts = 200;

/** Something that happened at a step: a line in the charts. */
export interface Mark {
  /** Between this step and the next. */
  step: number;
  kind: "setting" | "alert" | "course" | "checkpoint";
  text: string;
}

/** What a training said to a command. */
export type Answer = Extract<OtherEvent, { type: "command" | "command-refused" }>;

/** The course of one run as a page knows it. */
export class RunSeries {
  readonly id: string;
  /** The newest event; -1: nothing is known. */
  seq = -1;
  status: RunStatus | undefined;
  facts: RunFacts | undefined;
  columns = new Columns(keptPoints);
  marks: Mark[] = [];
  readonly changed = new Signal<this, void>(this);
  readonly answered = new Signal<this, Answer>(this);

  constructor(id: string) {
    this.id = id;
  }

  /** Nobody knows the run yet, or it has not begun. */
  get isEmpty(): boolean {
    return this.status === undefined;
  }

  /** @returns false where something is missing between what is known and the update; then nothing was taken. */
  apply(update: RunUpdate): boolean {
    const { after, seq, cutAfter, points, events, status, facts } = update;
    if (after === -1) {
      this.columns = new Columns(keptPoints);
      this.marks = [];
      this.facts = facts;
    } else if (after !== this.seq) return seq <= this.seq;
    const isNew = after !== -1;
    this.seq = seq;
    this.status = status;
    if (cutAfter !== undefined) this.columns.cutAfter(cutAfter);
    for (const [name, { x, y }] of Object.entries(points))
      for (const [i, step] of x.entries()) this.columns.push(name, step, y[i]!);
    for (const event of events) this.#take(event, isNew);
    this.changed.emit();
    if (isNew) for (const event of events) if (isAnswer(event)) this.answered.emit(event);
    return true;
  }

  /** @param isNew it happened after what `facts` tell. */
  #take(event: OtherEvent, isNew: boolean): void {
    switch (event.type) {
      case "alert":
        this.#mark({ step: event.step, kind: "alert", text: event.text });
        break;
      case "course":
        this.#mark({ step: event.step, kind: "course", text: event.text });
        break;
      case "config":
        this.#mark({ step: event.step, kind: "setting", text: settingsText(event.changes) });
        if (isNew) Object.assign(this.facts?.settings ?? {}, event.changes);
        break;
      case "command":
        // Said at once, although it is recorded as a change only before the next step.
        if (isNew && event.command.type === "set") Object.assign(this.facts?.settings ?? {}, event.command.values);
        break;
      case "checkpoint":
        if (event.label !== undefined) this.#mark({ step: event.step, kind: "checkpoint", text: event.label });
        if (isNew && this.facts) {
          const { step, label } = event;
          const others = this.facts.checkpoints.filter((one) => one.step !== step);
          this.facts.checkpoints = [...others, { step, ...(label !== undefined && { label }) }];
        }
        break;
      case "rewound":
        this.marks = this.marks.filter(({ step }) => step <= event.step);
        if (isNew && this.facts)
          this.facts.checkpoints = this.facts.checkpoints.filter(({ step }) => step <= event.step);
        break;
    }
  }

  #mark(mark: Mark): void {
    this.marks.push(mark);
    const surplus = this.marks.filter(({ kind }) => kind === "alert").length - keptAlerts;
    if (surplus > 0)
      this.marks.splice(
        this.marks.findIndex(({ kind }) => kind === "alert"),
        1,
      );
  }
}

const isAnswer = (event: OtherEvent): event is Answer => event.type === "command" || event.type === "command-refused";

/** Changed settings in a line: `klCoef = 0.1, topP = 0.9`. */
export const settingsText = (changes: Readonly<Record<string, unknown>>): string =>
  Object.entries(changes)
    .map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
