import { host } from "./host.ts";

/** Functions that want to know of something, each called as code of the cell that added it. */
export class Listeners<A extends unknown[]> {
  readonly #bound = new Set<(...args: A) => void>();

  /** @returns a function that removes the listener; as the last value of a cell it shows nothing */
  add(listener: (...args: A) => unknown): () => void {
    const bound = host().bind(listener);
    this.#bound.add(bound);
    return Object.assign(() => void this.#bound.delete(bound), { [Symbol.for("Jupyter.display")]: () => ({}) });
  }

  call(...args: A): void {
    for (const listener of [...this.#bound]) listener(...args);
  }
}
