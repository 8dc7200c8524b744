import { Console } from "node:console";
import { inspect } from "node:util";
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from "quickjs-emscripten-core";
import type { HarnessReport, LaneRequest } from "../protocol.ts";
import { decode, ownFrames } from "./decode.ts";
import { type Guest, guest } from "./guest.ts";
import { guestEncoder } from "./guest-encoder.ts";
import type { GuestHost } from "./guest-host.ts";
import type { Heap } from "./heap.ts";
import { LineMap } from "./lines.ts";
import { moduleLine, prepareSource, watchName } from "./source.ts";

/** Why a snippet was stopped before its end. */
export type Stop = "timeout" | "outputLimit";

/** Takes a snippet's output; false where it is too much. */
export type Output = (stream: "out" | "err", text: string) => boolean;

/** QuickJS's flag for a script that may `await` at its top level. */
const asyncScript = 1 << 7;
/** Of the compiled stack; about 11,000 simple calls, as in Node. Bytes. */
const maxStackBytes = 1_900_000;
const messageLimit = 4096;
const valueLimit = 1 << 16;
/** A function of host, seed and clock. */
const guestText = `((host, ...world) => (${guest})(host, (${guestEncoder})(host), ...world))`;

/** One QuickJS runtime with one context: what a stateless snippet or a session lives in. */
export class World {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #lines = new LineMap();
  readonly #guest: Record<keyof Guest, QuickJSHandle>;
  readonly #heap: Heap;
  #console: Console;
  #cells = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #stop: Stop | undefined;
  #output: Output = () => true;

  constructor(module: QuickJSWASMModule, heap: Heap, { memoryMb, seed, clock }: LaneRequest) {
    this.#heap = heap;
    this.#runtime = module.newRuntime();
    // Of a single allocation; all together are the heap's to limit.
    this.#runtime.setMemoryLimit(memoryMb * 2 ** 20);
    this.#runtime.setMaxStackSize(maxStackBytes);
    this.#runtime.setInterruptHandler(() => {
      if (!this.#stop && performance.now() > this.#deadline) this.#stop = "timeout";
      return this.#stop !== undefined;
    });
    const context = this.#runtime.newContext();
    this.#context = context;
    this.#console = this.#newConsole();
    const make = context.unwrapResult(context.evalCode(guestText, "<console>"));
    const host = this.#host();
    const numbers = [context.newNumber(seed), clock === null ? context.null : context.newNumber(clock * 1000)];
    const made = context.unwrapResult(context.callFunction(make, context.undefined, host, ...numbers));
    const names: (keyof Guest)[] = ["encode", "describe", "watch", "rejected", "tick", "settle"];
    this.#guest = Object.fromEntries(names.map((name) => [name, context.getProp(made, name)])) as never;
    context.defineProp(context.global, watchName, { value: this.#guest.watch, configurable: true, enumerable: false });
    for (const handle of [make, host, made, ...numbers]) handle.dispose();
  }

  /** Runs a snippet, its promises and its timers to their end. */
  run(request: LaneRequest, output: Output): { stop: Stop } | { report: HarnessReport } {
    this.#deadline = performance.now() + request.timeoutMs;
    this.#stop = undefined;
    this.#output = output;
    this.#console = this.#newConsole();
    const file = request.session === null ? "<snippet>" : `<cell ${++this.#cells}>`;
    const written = this.#lines.take(file, request.code);
    const { lastExpression } = request;
    const source = prepareSource(written, { session: request.session !== null, value: lastExpression });
    let error: HarnessReport["error"] = null;
    let value: string | null = null;
    const result = this.#context.evalCode(source.code, file, asyncScript);
    if (result.error) error = this.#describe(result.error, file, written);
    else {
      const thrown = this.#finish(result.value);
      if (thrown) error = this.#describe(thrown, file, written);
      else if (lastExpression && source.endsInExpression && !this.#stop) value = this.#valueOf(result.value);
      result.value.dispose();
    }
    this.#call("settle")?.dispose();
    if (this.#stop) return { stop: this.#stop };
    if (error) this.#write("err", `${error.traceback}\n`);
    return this.#stop ? { stop: this.#stop } : { report: { exitCode: error ? 1 : 0, error, value } };
  }

  /** @throws where the guest's heap is damaged; the process must not go on then. */
  dispose(): void {
    for (const handle of Object.values(this.#guest)) handle.dispose();
    this.#context.dispose();
    this.#runtime.dispose();
  }

  /** Runs what is left to do; returns what was thrown and caught by nobody. */
  #finish(main: QuickJSHandle): QuickJSHandle | undefined {
    for (;;) {
      while (this.#runtime.hasPendingJob()) {
        const done = this.#runtime.executePendingJobs(1000);
        if (done.error) return done.error;
        if (this.#stop) return undefined;
      }
      const state = this.#context.getPromiseState(main);
      if (state.type === "rejected") return state.error;
      if (state.type === "fulfilled") state.value.dispose();
      const missed = this.#call("rejected");
      if (missed && this.#context.typeof(missed) === "object") {
        const reason = this.#context.getProp(missed, 0);
        missed.dispose();
        return reason;
      }
      missed?.dispose();
      const ticked = this.#context.callFunction(this.#guest.tick, this.#context.undefined);
      if (ticked.error) return ticked.error;
      const more = this.#context.dump(ticked.value) === true;
      ticked.value.dispose();
      if (more || this.#runtime.hasPendingJob()) continue;
      if (state.type !== "pending") return undefined;
      return this.#context.newError("the snippet awaits a promise that nothing is left to resolve");
    }
  }

  #describe(thrown: QuickJSHandle, file: string, code: string): NonNullable<HarnessReport["error"]> {
    this.#heap.release();
    const described = this.#call("describe", thrown);
    const text = described ? this.#context.getString(described) : "{}";
    described?.dispose();
    thrown.dispose();
    const found = JSON.parse(text) as { name?: string; message?: string; stack?: string; value?: unknown };
    const shown = found.value === undefined ? "" : inspect(this.#decode(JSON.stringify(found.value))[0]);
    // Where there is no memory for an error, QuickJS throws nothing at all.
    if (this.#heap.exhausted && (!described || shown === "null")) return outOfMemory;
    if (found.name === undefined) {
      const message = shown.slice(0, messageLimit);
      const lastLine = `Uncaught ${message}`;
      return { name: "Uncaught", message, line: null, lastLine, traceback: lastLine, memory: false };
    }
    const frames = ownFrames(found.stack ?? "").map(this.#lines.remap);
    let line = lineIn(frames, file);
    let message = (found.message ?? "").slice(0, messageLimit);
    let traceback = shown;
    const name = found.name.slice(0, messageLimit);
    const module = name === "SyntaxError" ? moduleLine(code) : undefined;
    if (module !== undefined) {
      line = lineIn([this.#lines.remap(`${file}:${module}:1`)], file);
      message = "import and export are not available: a snippet is a script with no modules";
      traceback = `SyntaxError: ${message}\n    at ${file}:${line}`;
    }
    const lastLine = message ? `${name}: ${message}` : name;
    const memory = name === "InternalError" && message === "out of memory";
    return { name, message, line, lastLine, traceback: traceback || lastLine, memory };
  }

  /** The completion value of the script, as Node's prompt shows it; null for undefined. */
  #valueOf(main: QuickJSHandle): string | null {
    const state = this.#context.getPromiseState(main);
    if (state.type !== "fulfilled") return null;
    const value = this.#context.getProp(state.value, "value");
    if (!state.notAPromise) state.value.dispose();
    const encoded = this.#context.typeof(value) === "undefined" ? undefined : this.#call("encode", value);
    value.dispose();
    if (!encoded) return null;
    const [found] = this.#decode(this.#context.getString(encoded));
    encoded.dispose();
    return inspect(found).slice(0, valueLimit);
  }

  /** Calls a function of the guest's; undefined where it fails, for example because time is up. */
  #call(name: keyof Guest, ...args: QuickJSHandle[]): QuickJSHandle | undefined {
    const result = this.#context.callFunction(this.#guest[name], this.#context.undefined, ...args);
    if (!result.error) return result.value;
    result.error.dispose();
    return undefined;
  }

  #decode(text: string): unknown[] {
    return decode(text, this.#lines.remap);
  }

  #write(stream: "out" | "err", text: string): void {
    if (!this.#stop && !this.#output(stream, text)) this.#stop = "outputLimit";
  }

  #newConsole(): Console {
    const stream = (name: "out" | "err") => ({ write: (text: string) => this.#write(name, text) }) as never;
    return new Console({ stdout: stream("out"), stderr: stream("err"), ignoreErrors: false, colorMode: false });
  }

  /** The functions that `guest` calls. */
  #host(): QuickJSHandle {
    const context = this.#context;
    const functions: { [K in keyof GuestHost]: (...args: QuickJSHandle[]) => QuickJSHandle | undefined } = {
      print: (method, args) => {
        this.#print(context.getString(method!), context.getString(args!));
        return undefined;
      },
      now: () => context.newNumber(Date.now()),
      promiseState: (promise) => {
        const state = context.getPromiseState(promise!);
        const result = context.newArray();
        const kinds = { pending: 0, fulfilled: 1, rejected: 2 };
        context.newNumber(kinds[state.type]).consume((kind) => context.setProp(result, 0, kind));
        if (state.type === "pending") return result;
        const held = state.type === "fulfilled" ? state.value : state.error;
        context.setProp(result, 1, held);
        if (state.type === "rejected" || !state.notAPromise) held.dispose();
        return result;
      },
    };
    const host = context.newObject();
    for (const [name, act] of Object.entries(functions))
      context.newFunction(name, act as never).consume((handle) => context.setProp(host, name, handle));
    return host;
  }

  #print(method: string, text: string): void {
    if (this.#stop) return;
    const args = text.startsWith('"') ? [JSON.parse(text) as string] : this.#decode(text);
    const act = this.#console[method as "log"] as (...args: unknown[]) => void;
    act.apply(this.#console, args);
  }
}

/** What is thrown where there is no memory to say it. */
const outOfMemory: NonNullable<HarnessReport["error"]> = {
  name: "InternalError",
  message: "out of memory",
  line: null,
  lastLine: "InternalError: out of memory",
  traceback: "InternalError: out of memory",
  memory: true,
};

/** The line of the innermost frame in this file. */
function lineIn(frames: readonly string[], file: string): number | null {
  for (const frame of frames) {
    const at = frame.indexOf(`${file}:`);
    if (at >= 0) return Number.parseInt(frame.slice(at + file.length + 1), 10);
  }
  return null;
}
