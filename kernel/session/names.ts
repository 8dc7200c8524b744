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

  /** What an assignment to a constant does. Generated code reads a property of the result, which it never gets. */
  constant = (): never => {
    throw new TypeError("Assignment to constant variable.");
  };

  /** Whether a name that was unknown when the reading cell was compiled has a value by now, here or as a global. */
  has = (name: string): boolean => Object.hasOwn(this.values, name) || name in globalThis;

  /** The value of such a name. */
  read = (name: string): unknown => {
    if (Object.hasOwn(this.values, name)) return this.values[name];
    if (name in globalThis) return (globalThis as Record<string, unknown>)[name];
    throw new ReferenceError(`${name} is not defined`);
  };

  /** The names, for an assignment to one that no cell had declared when the assigning cell was compiled. */
  declared = (name: string): Record<string, unknown> => {
    if (!Object.hasOwn(this.values, name)) throw new ReferenceError(`${name} is not defined`);
    return this.values;
  };
}
