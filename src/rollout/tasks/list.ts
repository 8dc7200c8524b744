import { InvalidInputError } from "../../base/errors.ts";
import type { RandomStream } from "../../base/random.ts";
import type { Task, Taskset } from "./types.ts";

/** A finite task set: the tasks of a list, in order. */
export class ListTaskset<T extends Task = Task> implements Taskset<T> {
  readonly name: string;
  readonly families: readonly string[];
  readonly size: number;
  readonly #tasks: readonly T[];

  constructor(name: string, tasks: readonly T[]) {
    if (tasks.length === 0) throw new InvalidInputError(`Task set ${name} holds no task.`);
    this.name = name;
    this.#tasks = [...tasks];
    this.size = tasks.length;
    this.families = [...new Set(tasks.map((task) => task.family))];
  }

  at(index: number): T {
    const task = this.#tasks[index];
    if (!task)
      throw new InvalidInputError(`Task set ${this.name} has tasks 0 to ${this.size - 1}; ${index} was asked.`);
    return task;
  }

  sample(stream: RandomStream): T {
    return stream.pick(this.#tasks);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#tasks.values();
  }
}
