import { AsyncLocalStorage } from "node:async_hooks";
import type { FromSession } from "./wire.ts";

/** What a cell puts out. */
export type OutputMessage = Extract<FromSession, { type: "stream" | "display" | "clear" }>;

/** Takes output in the front's place. */
export interface OutputSink {
  /** Output of code that runs inside `capture`, in order. */
  write(message: OutputMessage): void;
  /** New content of a display, wherever it comes from; the sink may hold that display. */
  update(message: Extract<OutputMessage, { type: "display" }>): void;
}

const here = new AsyncLocalStorage<OutputSink>();
/** Sinks that may hold displays. */
const known = new Set<OutputSink>();

/** Runs code whose output, also that of its later asynchronous parts, goes to `sink`. */
export function capture<T>(sink: OutputSink, run: () => T): T {
  known.add(sink);
  return here.run(sink, run);
}

/** The sink is told of no more updates. */
export function releaseSink(sink: OutputSink): void {
  known.delete(sink);
}

/** Gives output to the sink that captures the calling code. Returns whether the front must not get it. */
export function isCaptured(message: OutputMessage): boolean {
  // The same display may stand in several sinks and under a cell.
  if (message.type === "display" && message.update) {
    for (const sink of known) sink.update(message);
    return false;
  }
  const sink = here.getStore();
  sink?.write(message);
  return sink !== undefined;
}
