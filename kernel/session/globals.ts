import { inspect, promisify } from "node:util";
import { display } from "../api/display.ts";
import { input } from "../api/input.ts";
import type { Cells } from "./cells.ts";
import { emit } from "./emit.ts";
import type { Host } from "./host.ts";

/** Standard output and error go to the cell that writes, in order with all other output. */
function captureStreams(cells: Cells): void {
  for (const name of ["stdout", "stderr"] as const) {
    const decoder = new TextDecoder();
    const write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      callback?: (error?: Error | null) => void,
    ): boolean => {
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      if (text) emit({ type: "stream", id: cells.here()?.id, name, text });
      const done = typeof encoding === "function" ? encoding : callback;
      if (done) process.nextTick(done);
      return true;
    };
    process[name].write = write as typeof process.stdout.write;
  }
}

/** Callbacks can be interrupted, and those of a cell that was given up do nothing. */
function guardTimers(cells: Cells): void {
  for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const) {
    const original = globalThis[name] as unknown as (
      callback: (...args: unknown[]) => unknown,
      ...rest: unknown[]
    ) => unknown;
    const guarded = (callback: (...args: unknown[]) => unknown, ...rest: unknown[]) =>
      original(typeof callback === "function" ? cells.guardTimer(callback) : callback, ...rest);
    const promised = (original as { [promisify.custom]?: unknown })[promisify.custom];
    if (promised) Object.defineProperty(guarded, promisify.custom, { value: promised });
    Object.assign(globalThis, { [name]: guarded });
  }
}

/** Node marks promises with properties of its own where asynchronous contexts are followed; nobody wants to read them. */
function tidyPromises(): void {
  const marks = new Set(["async_id_symbol", "trigger_async_id_symbol", "kResourceStore"]);
  Object.defineProperty(Promise.prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: Promise<unknown>) {
      for (const mark of Object.getOwnPropertySymbols(this)) {
        if (!marks.has(mark.description ?? "")) continue;
        if (Object.getOwnPropertyDescriptor(this, mark)?.configurable)
          Object.defineProperty(this, mark, { enumerable: false });
      }
      return this;
    },
  });
}

/** Code that ends the process takes all variables with it: the user is told why. Returns the real `process.exit`. */
function announceExit(): (code: number) => never {
  const exit = process.exit.bind(process) as (code: number) => never;
  const abort = process.abort.bind(process);
  process.exit = (given?: number | string | null) => {
    const code = given ?? process.exitCode ?? 0;
    emit({ type: "exiting", reason: `its own code called process.exit(${code})` });
    return exit(code as number);
  };
  process.abort = () => {
    emit({ type: "exiting", reason: "its own code called process.abort()" });
    return abort();
  };
  return exit;
}

/** Prepares the global scope in which cells run. Returns how the kernel itself ends the process. */
export function adaptGlobals(cells: Cells, host: Host): (code: number) => never {
  captureStreams(cells);
  guardTimers(cells);
  tidyPromises();
  const endProcess = announceExit();
  // The channel to the front is the kernel's alone.
  Object.assign(process, { send: undefined, disconnect: undefined });
  Object.defineProperty(globalThis, Symbol.for("Jupyter.host"), {
    value: {
      display: host.display,
      update: host.update,
      clear: host.clear,
      openComm: host.openComm,
      registerTarget: host.registerTarget,
      bind: host.bind,
      capture: host.capture,
      releaseSink: host.releaseSink,
      input: host.input,
      signal: host.signal,
      isInterrupted: host.isInterrupted,
      cellId: host.cellId,
      executionId: host.executionId,
      hold: host.hold,
      errorText: host.errorText,
      shield: host.shield,
      codeOf: host.codeOf,
      nameOf: host.nameOf,
      widget: host.widget,
      registerMagic: host.registerMagic,
    },
  });
  Object.assign(globalThis, { display, input });
  return endProcess;
}
