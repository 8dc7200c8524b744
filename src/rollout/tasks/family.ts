import { InvalidInputError } from "../../base/errors.ts";
import { RandomStream } from "../../base/random.ts";
import { Part, type PartOptions } from "../../parts/index.ts";
import { lastBoxed, sameAnswer } from "../../reward/index.ts";
import type { Task, Taskset } from "./types.ts";

/** A task as a family of the user's own gives it. */
export type FamilyTask = Pick<Task, "prompt" | "answer"> & Partial<Task>;

export interface FamilyOptions extends PartOptions {
  /** Decides the tasks of `at`. Default 0. */
  readonly seed?: number;
}

/** How many tasks are looked at before any is trained on. */
const looks = 32;

/** A task set without end whose tasks a function of the user's own makes, with its code on record; see {@link Part}. */
export class OwnTaskFamily extends Part implements Taskset {
  readonly families: readonly string[];
  readonly seed: number;
  readonly #make: (random: RandomStream) => FamilyTask;

  /** @throws InvalidInputError for tasks that cannot be used, naming the family and what it gave. */
  constructor(name: string, make: (random: RandomStream) => FamilyTask, { uses, seed = 0 }: FamilyOptions) {
    super("task family", { name, functions: { code: make }, uses, options: { seed } });
    this.#make = make;
    this.seed = seed;
    const seen = Array.from({ length: looks }, (_, index) => this.at(index));
    this.families = [...new Set(seen.map(({ family }) => family))];
    for (const [index, task] of seen.entries()) {
      if (JSON.stringify(task) !== JSON.stringify(this.at(index)))
        throw this.#refusal(
          `gave two different tasks for the same draws: ${text(task.prompt)} and ${text(this.at(index).prompt)}`,
          "Draw from the stream that it is given, and from nothing else.",
        );
      const boxed = lastBoxed(`\\boxed{${task.answer}}`);
      if (boxed === undefined || !sameAnswer(boxed, task.answer))
        throw this.#refusal(
          `gave the answer ${text(task.answer)}, which does not equal itself once it is boxed`,
          "Give answers that can be compared: numbers, expressions, words.",
        );
    }
  }

  at(index: number): Task {
    if (!Number.isInteger(index) || index < 0)
      throw new InvalidInputError(`Task set ${this.name} counts tasks from 0; ${index} was asked.`);
    return this.sample(new RandomStream(this.seed, "tasks", index));
  }

  sample(stream: RandomStream): Task {
    const made: unknown = this.#make(stream);
    if (made instanceof Promise)
      throw this.#refusal("is asynchronous", "Make each task at once; load what it needs before.");
    if (typeof made !== "object" || made === null)
      throw this.#refusal(`gave ${text(made)} instead of { prompt, answer }`, "Return an object.");
    const task = made as FamilyTask;
    for (const field of ["prompt", "answer"] as const)
      if (typeof task[field] !== "string" || !task[field].trim())
        throw this.#refusal(
          `gave a task whose ${field} is ${text(task[field])}`,
          `Both prompt and answer are texts that are not empty: ${field}: String(...).`,
        );
    const { family = this.name } = task;
    return { ...task, id: task.id ?? `${family}:${task.prompt}`, family };
  }

  #refusal(what: string, hint: string): InvalidInputError {
    return new InvalidInputError(`The task family ${JSON.stringify(this.name)} ${what}.`, hint);
  }
}

const text = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 120);

/**
 * A task family of your own: a function that makes a task out of random draws. Its first tasks are checked at once: that
 * they have a prompt and an answer, that equal draws give equal tasks, that each answer counts as right when it is boxed.
 *
 * @example
 * const parity = taskFamily("parity", (random) => {
 *   const n = random.integer(10, 99);
 *   return { prompt: `${n} is odd?`, answer: n % 2 ? "yes" : "no" };
 * });
 * new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset: parity });
 * @throws InvalidInputError for tasks that cannot be used, naming the family and what it gave.
 */
export function taskFamily(
  name: string,
  make: (random: RandomStream) => FamilyTask,
  options: FamilyOptions = {},
): OwnTaskFamily {
  return new OwnTaskFamily(name, make, options);
}
