/** The values of all names of the notebook. */
export class Names {
  /**
   * Cells read and write it at full speed: nothing is ever deleted from it. A name that it does not have is one of the
   * global scope, or a ReferenceError.
   */
  readonly values: Record<string, unknown> = Object.create(globalScope);

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

  /** The names, for an assignment to one that no cell had declared when the assigning cell was compiled. */
  declared = (name: string): Record<string, unknown> => {
    if (!Object.hasOwn(this.values, name)) throw new ReferenceError(`${name} is not defined`);
    return this.values;
  };
}

const globalScope = new Proxy(Object.create(null) as Record<PropertyKey, unknown>, {
  has: (_, name) => name in globalThis,
  get: (_, name) => {
    if (name in globalThis) return (globalThis as Record<PropertyKey, unknown>)[name];
    if (typeof name === "symbol") return undefined;
    throw new ReferenceError(`${name} is not defined`);
  },
  set: (_, name, value, receiver) =>
    Reflect.defineProperty(receiver as object, name, { value, writable: true, enumerable: true, configurable: true }),
});
