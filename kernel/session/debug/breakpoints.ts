import type { Debugger } from "node:inspector";
import type { Inspector } from "./inspector.ts";
import type { BoundBreakpoint, WantedBreakpoint } from "./protocol.ts";
import type { Script, Scripts } from "./scripts.ts";

interface Entry extends WantedBreakpoint {
  id: number;
  /** The line that it came to lie on. */
  actualLine: number;
  isBound: boolean;
  /** The inspector's identifiers, one for every script that holds the code. */
  handles: string[];
}

/** Turns an expression of the user into one that finds the notebook's names, or throws why it cannot. */
export type Translate = (expression: string) => Promise<string>;

/** The breakpoints of the client, in every script that has their source: a cell may have run many times. */
export class Breakpoints {
  readonly #inspector: Inspector;
  readonly #scripts: Scripts;
  readonly #translate: Translate;
  readonly #changed: (breakpoint: BoundBreakpoint) => void;
  readonly #byPath = new Map<string, Entry[]>();
  #lastId = 0;

  /** @param changed told when a breakpoint got its place after it was set. */
  constructor(
    parts: { inspector: Inspector; scripts: Scripts; translate: Translate },
    changed: (breakpoint: BoundBreakpoint) => void,
  ) {
    this.#inspector = parts.inspector;
    this.#scripts = parts.scripts;
    this.#translate = parts.translate;
    this.#changed = changed;
  }

  /** Replaces all breakpoints of a source. */
  async set(path: string, wanted: readonly WantedBreakpoint[]): Promise<BoundBreakpoint[]> {
    for (const { handles } of this.#byPath.get(path) ?? []) {
      for (const breakpointId of handles) await this.#inspector.post("Debugger.removeBreakpoint", { breakpointId });
    }
    const entries: Entry[] = wanted.map((breakpoint) => ({
      ...breakpoint,
      id: ++this.#lastId,
      actualLine: breakpoint.line,
      isBound: false,
      handles: [],
    }));
    this.#byPath.set(path, entries);
    const failures = new Map<Entry, string>();
    for (const script of this.#scripts.withPath(path)) {
      for (const entry of entries) {
        await this.#bind(entry, script).catch((error: Error) => failures.set(entry, error.message));
      }
    }
    return entries.map((entry) => describe(path, entry, failures.get(entry)));
  }

  /** Sets the breakpoints of a script that was just compiled. */
  async bind(script: Script): Promise<void> {
    for (const entry of this.#byPath.get(script.path) ?? []) {
      const wasBound = entry.isBound;
      const failure = await this.#bind(entry, script).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (entry.isBound !== wasBound || failure) this.#changed(describe(script.path, entry, failure));
    }
  }

  async #bind(entry: Entry, script: Script): Promise<void> {
    const start = script.locations.toGenerated(entry.line - 1);
    if (!start) return;
    const condition = await conditionOf(entry, this.#translate);
    const location = { scriptId: script.id, lineNumber: start.line, columnNumber: start.column };
    let actual: Debugger.Location;
    try {
      const set = await this.#inspector.post<Debugger.SetBreakpointReturnType>("Debugger.setBreakpoint", {
        location,
        ...(condition === undefined ? {} : { condition }),
      });
      entry.handles.push(set.breakpointId);
      actual = set.actualLocation;
    } catch (error) {
      // Two lines of the source may have the same first code behind them.
      if (!/already exists/.test((error as Error).message)) throw error;
      actual = location;
    }
    const place = script.locations.toSource({ line: actual.lineNumber, column: actual.columnNumber ?? 0 });
    entry.actualLine = (place?.line ?? entry.line - 1) + 1;
    entry.isBound = true;
  }
}

function describe(path: string, { id, isBound, actualLine }: Entry, failure?: string): BoundBreakpoint {
  const message = failure ?? (isBound ? undefined : "The code has not run yet: the breakpoint is set when it does.");
  return {
    id,
    verified: isBound && failure === undefined,
    line: actualLine,
    source: { path },
    ...(message === undefined ? {} : { message }),
  };
}

/** What the breakpoint stops for; one that prints never stops. */
async function conditionOf({ condition, logMessage }: Entry, translate: Translate): Promise<string | undefined> {
  const holds = condition?.trim() ? `(${await translate(condition)})` : undefined;
  if (!logMessage) return holds;
  const texts = logMessage.split(/\{([^{}]*)\}/);
  const parts = await Promise.all(
    texts.map((text, i) => (i % 2 === 0 ? JSON.stringify(text) : translate(text).then((code) => `(${code})`))),
  );
  const print = `(console.log([${parts.join(",")}].map((part)=>typeof part==="string"?part:JSON.stringify(part)??String(part)).join("")),false)`;
  return holds ? `${holds}&&${print}` : print;
}
