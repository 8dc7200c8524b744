// What the front and the debugger's thread say to each other: one JSON text a line, on a pipe of their own.

/** Name of the global symbol under which the main thread offers what the debugger needs (see `DebugAccess`). */
export const accessSymbol = "cirlab.debugAccess";

/** A breakpoint as clients ask for it; lines count from 1. */
export interface WantedBreakpoint {
  line: number;
  condition?: string | undefined;
  /** Text to print instead of stopping; `{expression}` is replaced by its value. */
  logMessage?: string | undefined;
}

export interface BoundBreakpoint {
  id: number;
  verified: boolean;
  line: number;
  source: { path: string };
  message?: string;
}

/** Everything that a debugger's thread has to know when it begins. */
export interface AttachArguments {
  cellFiles: CellFiles;
  /** The client shows only types that Python has. */
  hasPythonTypes: boolean;
  breakpoints: { path: string; breakpoints: WantedBreakpoint[] }[];
  exceptionFilters: string[];
}

/** How the paths of cells are made: prefix, hash of the code, suffix. */
export interface CellFiles {
  prefix: string;
  seed: number;
  suffix: string;
}

/** `command` is one of the Debug Adapter Protocol, `attach` with `AttachArguments`, or `release`: go on, whatever comes. */
export interface ToDebugger {
  id: number;
  command: string;
  args: Record<string, unknown>;
}

export type FromDebugger =
  | { type: "response"; id: number; body?: unknown; error?: string }
  | { type: "event"; event: string; body: Record<string, unknown> };

export const encodeLine = (message: ToDebugger | FromDebugger): string => `${JSON.stringify(message)}\n`;

/** Puts the messages together again from pieces of text. */
export class LineReader<T> {
  #rest = "";

  push(text: string): T[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    return lines.map((line) => JSON.parse(line) as T);
  }
}
