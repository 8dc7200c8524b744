import type { CommandInput, RecordedEvent } from "../recording/messages.ts";
import type { Standing } from "../recording/standing.ts";
import type { SettingsChange } from "../recording/timeline.ts";
import type { BrowseQuestion } from "./browse/browser.ts";

/** Topic of a reader that follows the list of runs. */
export const allRuns = "*";

/** A metric over the steps at which it was measured, in columns, as charts draw it. */
export interface Points {
  x: number[];
  /** null: the step measured something that is no number. */
  y: (number | null)[];
}

/** Any event but a step. */
export type OtherEvent = Exclude<RecordedEvent, { type: "step" }>;

/** How a run stands. */
export interface RunStatus {
  state: Standing;
  /** Steps taken. */
  step: number;
  /** The step that the training under way is to reach, where it tells. */
  target?: number;
  /** The step whose rollouts are collected and may be changed before the update. */
  held?: number;
  /** What failed. */
  error?: string;
  /** Somebody trains it and obeys commands. */
  listens: boolean;
  /** Unix time of the last event in milliseconds. */
  time?: number;
  /** Wall-clock seconds that a step takes, of the last few dozen. */
  secondsPerStep?: number;
}

/** What only a reader who begins with the run needs to be told; later events tell how it changes. */
export interface RunFacts {
  name: string;
  /** The run's folder below the served one; absent for a run elsewhere. */
  path?: string;
  /** The settings that hold for the next step. */
  settings: SettingsChange["changes"];
  /** Which settings there are and what they may be; absent where the recording does not tell. */
  schema?: Record<string, Record<string, unknown>>;
  checkpoints: { step: number; label?: string }[];
}

/**
 * A piece of a run, what happened after the event `after`, up to and with the event `seq`. Steps
 * come as columns; where they are many, those that hold a metric's highest and lowest values among their neighbours.
 */
export interface RunUpdate {
  runId: string;
  /** -1: everything from the beginning, in place of whatever the reader has. */
  after: number;
  seq: number;
  /** The run went back: steps after this one no longer count. To be done before the points are added. */
  cutAfter?: number;
  points: Record<string, Points>;
  /** All other events, in order; of a very long run, the newest. */
  events: OtherEvent[];
  status: RunStatus;
  /** With `after` -1. */
  facts?: RunFacts;
}

/** A run in the list. */
export interface RunListing {
  runId: string;
  name: string;
  path?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  state: Standing;
  step: number;
}

/** What a reader asks to follow; with `after`, from the event on that it saw last. */
export interface Subscription {
  runId: string;
  after?: number;
}

/** The answer to a command: it was written for the run's training, whose own answer is an event with this id; or why not. */
export type CommandReply = { id: string } | { error: string };

/** Name of the comm by which a page follows runs through the kernel of its notebook. */
export const commTarget = "cirlab.runs";

/** What a page says on that comm. */
export type FromPage =
  | { type: "subscribe"; to: string | Subscription }
  | { type: "unsubscribe"; runId: string }
  /** So many updates and lists were taken, since the last time. */
  | { type: "taken"; count: number }
  /** Answered under its id. */
  | { type: "command"; id: number; runId: string; command: CommandInput }
  /** A question about recorded runs; answered under its id. */
  | { type: "browse"; id: number; question: BrowseQuestion };

/** What the kernel says on it; `welcome` comes first. */
export type FromKernel =
  | { type: "welcome" }
  | { type: "update"; update: RunUpdate }
  | { type: "runs"; runs: readonly RunListing[] }
  | { type: "answer"; id: number; value: unknown }
  /** The answer to a question that cannot be answered. */
  | { type: "refusal"; id: number; text: string };
