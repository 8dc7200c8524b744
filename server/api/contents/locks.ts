/** Lets changes of one file come one after the other. */
export class FileLocks {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs `change` when every earlier change of the file has ended. */
  async hold<T>(file: string, change: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(file) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(change);
    this.#tails.set(file, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(file) === mine) this.#tails.delete(file);
    }
  }
}
