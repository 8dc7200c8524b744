import type { PlacedEdit } from "../rollout/edits.ts";
import type { RunEvent } from "./messages.ts";
import type { StoredCheckpoint } from "./retention.ts";

type Json = Extract<RunEvent, { type: "config" }>["changes"];

/** Settings that were changed while a run went on. */
export interface SettingsChange {
  /** Steps taken before: the change holds from the next one on. */
  readonly step: number;
  readonly changes: Json;
}

/** How a run stands, as its events tell; whether somebody trains it at this moment is the lock's business. */
export type RunState = "new" | "running" | "paused" | "completed" | "stopped" | "interrupted" | "failed";

/**
 * What a run's events amount to. A run that went back has left some of its steps behind: a timeline holds those that
 * lead to where it stands.
 */
export class Timeline {
  /** Steps taken. */
  step = 0;
  /** The step at which the recording began. */
  start: number | undefined;
  /** The step that the training under way, or the last one, is to reach; undefined where it does not tell. */
  target: number | undefined;
  state: RunState = "new";
  /** What ended it, where it failed. */
  error: string | undefined;
  readonly changes: SettingsChange[] = [];
  /** Parts of the user's own that were changed, in the order in which it happened. */
  readonly partChanges: Omit<Extract<RunEvent, { type: "part" }>, "type">[] = [];
  readonly checkpoints = new Map<number, StoredCheckpoint>();
  /** Steps of checkpoints that were marked, also of those left behind. */
  readonly marked = new Map<number, string>();
  /** Rollouts that a person changed, in the order in which it was done. */
  readonly interventions: PlacedEdit[] = [];
  /** The step whose rollouts are collected and wait for a person. */
  held: number | undefined;
  alerts = 0;

  static of(events: Iterable<RunEvent>): Timeline {
    const timeline = new Timeline();
    for (const event of events) timeline.add(event);
    return timeline;
  }

  add(event: RunEvent): void {
    switch (event.type) {
      case "run-started":
        this.start ??= event.step;
        this.step = event.step;
        this.target = event.count === undefined ? undefined : event.step + event.count;
        this.state = "running";
        this.error = undefined;
        this.held = undefined;
        // Of a step that was never taken, where the process died between the two.
        this.#dropInterventions(event.step);
        break;
      case "step":
        this.step = event.step;
        this.held = undefined;
        break;
      case "held":
        this.held = event.step;
        this.state = "paused";
        break;
      case "intervention": {
        const { step, group, sample, edit, by } = event;
        this.interventions.push({ step, group, sample, edit, ...(by !== undefined && { by }) });
        break;
      }
      case "config":
        this.changes.push({ step: event.step, changes: event.changes });
        break;
      case "part":
        this.partChanges.push(event);
        break;
      case "checkpoint":
        this.checkpoints.set(event.step, { step: event.step, bytes: event.bytes, label: event.label });
        if (event.label !== undefined) this.marked.set(event.step, event.label);
        // A new checkpoint of the same step has taken the marked one's place.
        else this.marked.delete(event.step);
        break;
      case "rewound":
        this.#goBack(event.step);
        break;
      case "command":
        // After the steps that were asked for it stands still.
        if (event.command.type === "pause" || event.command.type === "step") this.state = "paused";
        if (event.command.type === "resume") this.state = "running";
        if (["resume", "step", "stop"].includes(event.command.type)) this.held = undefined;
        break;
      case "alert":
        this.alerts++;
        break;
      case "run-finished":
        this.state = event.reason;
        this.held = undefined;
        this.error = event.error;
        break;
      case "evaluation":
      case "course":
      case "command-refused":
      case "log":
        break;
    }
  }

  /** A run's settings before its next step was taken: those it began with, and what was changed up to `step`. */
  settingsAt(first: Json, step: number): Json {
    const settings = { ...first };
    for (const change of this.changes) if (change.step <= step) Object.assign(settings, change.changes);
    return settings;
  }

  #goBack(step: number): void {
    this.step = step;
    for (const later of [...this.checkpoints.keys()]) if (later > step) this.checkpoints.delete(later);
    const kept = this.changes.filter((change) => change.step <= step);
    this.changes.splice(0, this.changes.length, ...kept);
    this.#dropInterventions(step);
  }

  /** Takes off those of steps after `step`. */
  #dropInterventions(step: number): void {
    const kept = this.interventions.filter((one) => one.step <= step);
    this.interventions.splice(0, this.interventions.length, ...kept);
  }
}

/** A run's steps that lead to where it stands, in order: those that were left behind are not among them. */
export function stepsOf<E extends RunEvent>(events: readonly E[]): Extract<E, { type: "step" }>[] {
  const steps = new Map<number, Extract<E, { type: "step" }>>();
  for (const event of events) {
    if (event.type === "step") steps.set(event.step, event as Extract<E, { type: "step" }>);
    if (event.type === "rewound") for (const step of steps.keys()) if (step > event.step) steps.delete(step);
  }
  return [...steps.values()].sort((a, b) => a.step - b.step);
}
