/** Lets changes of one file come one after the other. */
export class FileLocks {
  readonly #tails = new Map<string, Promise<unknown>>();

  /**
   * Runs `change` when every earlier change of the files has ended.
   *
   * A change that holds a file may hold others that come after it in the order of names, such as those in a folder that
   * it holds: so no two wait for each other.
   */
  async hold<T>(files: readonly string[], change: () => Promise<T>): Promise<T> {
    const [file, ...rest] = [...new Set(files)].sort();
    if (file === undefined) return change();
    const before = this.#tails.get(file) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.hold(rest, change));
    this.#tails.set(file, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(file) === mine) this.#tails.delete(file);
    }
  }
}
