import type { PositionMap } from "../../compiler/cellCompiler.ts";
import { bundleOf, normalizeBundle } from "../display.ts";
import { scriptOf } from "../errors.ts";
import type { Names } from "../names.ts";
import type { MimeBundle } from "../wire.ts";
import { accessSymbol } from "./protocol.ts";

const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** How long a cell waits at most for its breakpoints, in milliseconds. */
const readyLimitMs = 2000;

/**
 * What the main thread offers to the debugger's thread, which reaches it through the inspector and calls it also while
 * a cell is stopped.
 */
export class DebugAccess {
  /** Set by the debugger: cells wait until their breakpoints are set. */
  isAttached = false;
  readonly names: Record<string, unknown>;
  /** The value of a name of the notebook or of the global scope; throws for others. */
  readonly read: (name: string) => unknown;
  readonly #ready = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  readonly #seen = new WeakSet<object>();

  constructor(names: Names) {
    this.names = names.values;
    this.read = names.read;
    Object.defineProperty(globalThis, Symbol.for(accessSymbol), { value: this });
  }

  /** Resolves when the breakpoints of a compiled script are set. */
  ready(label: string): Promise<void> {
    if (!this.isAttached || this.#ready.delete(label)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = startTimer(() => this.release(label), readyLimitMs);
      this.#waiting.set(label, () => {
        stopTimer(timer);
        resolve();
      });
    });
  }

  /** The breakpoints of a script are set. */
  release(label: string): void {
    const go = this.#waiting.get(label);
    this.#waiting.delete(label);
    if (go) go();
    else this.#ready.add(label);
  }

  detach(): void {
    this.isAttached = false;
    for (const label of [...this.#waiting.keys()]) this.release(label);
    this.#ready.clear();
  }

  /** Source and positions of a compiled script. */
  script(label: string): { source: string; positions: PositionMap } | undefined {
    return scriptOf(label);
  }

  /** Whether the debugger has met this error before. */
  hasSeen(error: unknown): boolean {
    if (typeof error !== "object" || error === null) return false;
    if (this.#seen.has(error)) return true;
    this.#seen.add(error);
    return false;
  }

  /** How a value is shown; promises settle only while nothing is stopped. */
  bundle(value: unknown): Promise<MimeBundle> {
    return bundleOf(value);
  }

  /** The bundle of a value's own display, where it has one that answers at once. */
  bundleAtOnce(value: unknown): MimeBundle | undefined {
    const show = (value as { [display]?: unknown } | null | undefined)?.[display];
    if (typeof show !== "function") return undefined;
    const bundle: unknown = Reflect.apply(show, value, []);
    if (typeof bundle !== "object" || bundle === null || bundle instanceof Promise) return undefined;
    return normalizeBundle(bundle as MimeBundle);
  }

  /** Gives a value to the notebook under a name. */
  setName(name: string, value: unknown): void {
    this.names[name] = value;
  }
}

const display = Symbol.for("Jupyter.display");
