import vm from "node:vm";
import { cutting, flagCount, guarded, guardState, uncuttable, unguarded } from "./flags.ts";

/** Longest wait for a SIGINT that the watchdog has announced. */
const signalLimitMs = 1000;

/** What of Node's inner parts the guard uses, where they are there. */
interface Contextify {
  startSigintWatchdog(): void;
}
interface AsyncWrap {
  async_hook_fields: Uint32Array;
  async_id_fields: Float64Array;
  popAsyncContext(asyncId: number): boolean;
  constants: { kStackLength: number; kExecutionAsyncId: number };
}

function binding<T>(name: string): Partial<T> {
  const { noDeprecation } = process;
  // Node warns of some of its parts; nothing public does what these do.
  process.noDeprecation = true;
  try {
    return (process as unknown as { binding(name: string): Partial<T> }).binding(name);
  } catch {
    return {};
  } finally {
    process.noDeprecation = noDeprecation as boolean;
  }
}

/**
 * Lets SIGINT end synchronous code wherever it is, also inside library code, built-in functions with callbacks and
 * regular expressions. V8 offers this through `vm`; the code ends there and then: no `catch` and no `finally` runs.
 */
class Guard {
  /** Shared with the watchdog; see flags.ts. */
  readonly flags = new Int32Array(new SharedArrayBuffer(4 * flagCount));
  #isInside = false;
  /** Called by the script. */
  #run: () => unknown = () => undefined;
  readonly #script: vm.Script;
  readonly #hooks = binding<AsyncWrap>("async_wrap");

  constructor() {
    const name = "__cirlabGuarded";
    Object.defineProperty(globalThis, name, { value: () => this.#guarded() });
    this.#script = new vm.Script(`${name}()`, { filename: "node:cirlab" });
    holdWatchdog();
  }

  /** SIGINT can end the calling code. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /**
   * Calls `run`, which is not inside the guard yet.
   *
   * @param cut called when SIGINT ended `run`; gives what is thrown in its place.
   */
  call<T>(run: () => T, cut: () => unknown): T {
    this.#isInside = true;
    this.#run = run;
    const depth = this.#hookDepth();
    Atomics.store(this.flags, guardState, guarded);
    try {
      return this.#script.runInThisContext({ breakOnSigint: true, displayErrors: false }) as T;
    } catch (error) {
      if (Atomics.exchange(this.flags, guardState, unguarded) !== cutting) throw error;
      this.#restoreHooks(depth);
      throw cut();
    } finally {
      Atomics.store(this.flags, guardState, unguarded);
      this.#isInside = false;
    }
  }

  /** Calls `run`, which must not be cut in the middle. It may take milliseconds, not more. */
  whole<T>(run: () => T): T {
    const before = Atomics.compareExchange(this.flags, guardState, guarded, uncuttable);
    if (before === cutting) this.#awaitSignal();
    try {
      return run();
    } finally {
      if (before === guarded) Atomics.store(this.flags, guardState, guarded);
    }
  }

  #guarded(): unknown {
    try {
      return this.#run();
    } finally {
      // Once announced, the signal must hit this code and no later one.
      if (Atomics.compareExchange(this.flags, guardState, guarded, unguarded) === cutting) this.#awaitSignal();
    }
  }

  #awaitSignal(): void {
    for (const end = Date.now() + signalLimitMs; Date.now() < end; );
    // Somebody else took it, for example a guard of the user's own.
    throw new Error("Execution interrupted.");
  }

  /** How many asynchronous scopes are entered. The code that was cut cannot leave those that it had entered. */
  #hookDepth(): number {
    const { async_hook_fields: fields, constants } = this.#hooks;
    return fields && constants ? fields[constants.kStackLength]! : 0;
  }

  #restoreHooks(depth: number): void {
    const { async_hook_fields: fields, async_id_fields: ids, constants, popAsyncContext } = this.#hooks;
    if (!fields || !ids || !constants || !popAsyncContext) return;
    while (fields[constants.kStackLength]! > depth) popAsyncContext(ids[constants.kExecutionAsyncId]!);
  }
}

/**
 * Keeps Node's SIGINT watchdog on, so that entering a guard costs half a microsecond, not forty, and a SIGINT outside
 * of guards does nothing.
 */
function holdWatchdog(): void {
  const { startSigintWatchdog } = binding<Contextify>("contextify");
  if (!startSigintWatchdog) {
    process.on("SIGINT", () => undefined);
    return;
  }
  // A listener of any library would replace the watchdog's handler by Node's own.
  for (const event of ["newListener", "removeListener"]) {
    const listeners = process.listeners(event as "exit") as ((...args: unknown[]) => void)[];
    process.removeAllListeners(event);
    for (const listener of listeners) {
      process.on(event, (name: unknown, ...rest: unknown[]) => {
        if (name !== "SIGINT") listener.call(process, name, ...rest);
      });
    }
  }
  startSigintWatchdog();
}

/** The guard of this process. */
export const guard = new Guard();
