/** The values of all names of the notebook. */
export class Names {
  /** A plain object, and nothing is ever deleted from it: cells read and write it at full speed. */
  readonly values: Record<string, unknown> = {};

  /**
   * Called before a cell runs that declares the given names. The result tells, at any later time, which of them the
   * cell has set. One that it set to the very value that it had before counts as not set, which makes no difference.
   */
  watch(declared: readonly string[]): () => string[] {
    const before = new Map(
      declared.filter((name) => Object.hasOwn(this.values, name)).map((name) => [name, this.values[name]]),
    );
    return () =>
      declared.filter(
        (name) => Object.hasOwn(this.values, name) && !(before.has(name) && before.get(name) === this.values[name]),
      );
  }

  /** Takes the value of a cell's last expression out. */
  take(name: string): unknown {
    const value = this.values[name];
    this.values[name] = undefined;
    return value;
  }
}
