import type { RandomStream } from "../../base/random.ts";

/** A question with a reference answer. Plain data. */
export interface Task {
  /** Equal for equal questions of one task set. */
  id: string;
  /** The question alone; how it is put to a policy is the prompt format's business. */
  prompt: string;
  answer: string;
  /** What cannot be said as one answer, for the reward that judges it: `{ tests }` of `rewards.unitTests`. */
  reference?: unknown;
  /** Kind of question, for tables: `"algebra"`, `"Geometry"`. */
  family: string;
  /** What else results are grouped by: `{ level: "5" }`. */
  labels?: Readonly<Record<string, string>>;
  /** Whatever else the source said about it. */
  metadata?: Record<string, unknown>;
}

/** Where tasks come from. */
export interface Taskset<T extends Task = Task> {
  readonly name: string;
  readonly families: readonly string[];
  /** Number of tasks; undefined where they are generated without end. */
  readonly size?: number;
  /** Task number `index`, from 0; always the same one. */
  at(index: number): T;
  /** A random task. */
  sample(stream: RandomStream): T;
}
