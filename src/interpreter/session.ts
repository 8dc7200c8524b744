import { isDeepStrictEqual } from "node:util";
import { InfrastructureError, InvalidInputError, SessionLostError } from "../base/errors.ts";
import { displaySymbol, type MimeBundle } from "../display/index.ts";
import { sessionBundle } from "./result-display.ts";
import type {
  ExecutionResult,
  InterpreterSession,
  ReplayMismatch,
  RunOptions,
  SessionCell,
  SessionOptions,
} from "./types.ts";

/** What a session needs of the interpreter that it belongs to. */
export interface SessionHost {
  /** Takes a place for a session and names it; waits where all are taken. */
  open(signal: AbortSignal | undefined): Promise<string>;
  /** Runs a cell in the named session. */
  run(name: string, code: string, options: RunOptions): Promise<ExecutionResult>;
  /** The process that the named session has; false before its first cell and when it is gone. */
  lives(name: string): boolean;
  /** Ends the named session and frees its place. */
  end(name: string): Promise<void>;
  /** What it means that a cell brings its process down, and then a fresh one again. */
  readonly diesTwice: "crash" | "infrastructure";
}

interface RecordedCell extends SessionCell {
  options: RunOptions;
}

/** A session on a host; see {@link InterpreterSession}. */
export class HostedSession implements InterpreterSession {
  readonly #host: SessionHost;
  readonly #rolloutId: string | undefined;
  #name: string;
  #cells: RecordedCell[] = [];
  #mismatch: ReplayMismatch | undefined;
  #lost: string | undefined;
  #closed = false;
  /** The end of the cell before. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(host: SessionHost, name: string, rolloutId: string | undefined) {
    this.#host = host;
    this.#name = name;
    this.#rolloutId = rolloutId;
  }

  static async open(host: SessionHost, { rolloutId, signal }: SessionOptions): Promise<HostedSession> {
    return new HostedSession(host, await host.open(signal), rolloutId);
  }

  get cells(): readonly SessionCell[] {
    return this.#cells.map(({ code, result }) => ({ code, result }));
  }

  [displaySymbol](): MimeBundle {
    const state = this.#lost ? `lost: ${this.#lost}` : this.#closed ? "closed" : "open";
    const fork = this.#mismatch ? `; a fork whose cell ${this.#mismatch.cell} (from 0) did not repeat` : "";
    return sessionBundle(this.#cells, `Session of ${this.#cells.length} cells, ${state}${fork}`);
  }

  get mismatch(): ReplayMismatch | undefined {
    return this.#mismatch;
  }

  get lost(): string | undefined {
    return this.#lost;
  }

  /**
   * Runs a cell after those before it. Where the session's process fails for reasons that are not the code's, the
   * recorded cells are replayed in a new one, and the cell runs there if they repeat.
   *
   * @throws SessionLostError after a cell that was ended from outside.
   * @throws InvalidInputError after `close()`.
   * @throws InterruptedError when `options.signal` is aborted; a cell that had started takes the session with it.
   */
  run(code: string, options: RunOptions = {}): Promise<ExecutionResult> {
    const turn = this.#turn.then(() => this.#cell(code, options));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async fork({
    cell = this.#cells.length,
    signal,
  }: {
    cell?: number;
    signal?: AbortSignal;
  } = {}): Promise<HostedSession> {
    if (!Number.isInteger(cell) || cell < 0 || cell > this.#cells.length)
      throw new InvalidInputError(`Invalid cell ${cell}: this session has ${this.#cells.length} cells.`);
    const recorded = this.#cells.slice(0, cell);
    const fork = await HostedSession.open(this.#host, { rolloutId: this.#rolloutId, signal });
    try {
      fork.#mismatch = await fork.#replay(recorded, signal);
    } catch (error) {
      await fork.close();
      throw error;
    }
    return fork;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#host.end(this.#name);
  }

  async #cell(code: string, options: RunOptions): Promise<ExecutionResult> {
    if (this.#closed) throw new InvalidInputError("The session is closed.", "Open a new one, or fork it.");
    if (this.#lost) throw new SessionLostError(`The session is lost: ${this.#lost}.`, hint);
    let result: ExecutionResult;
    try {
      result = await this.#host.run(this.#name, code, { ...options, rolloutId: this.#rolloutId });
    } catch (error) {
      // Before it started a cell can be dropped without harm.
      if (this.#cells.length && !this.#host.lives(this.#name)) await this.#lose("was stopped by its caller");
      throw error;
    }
    if (result.status === "infrastructure") result = await this.#again(code, options, result);
    this.#cells.push({ code, options: { ...options, signal: undefined }, result });
    if (this.#lost === undefined && !this.#host.lives(this.#name))
      await this.#lose(`ended with status "${result.status}"`, -1);
    return result;
  }

  /** The process is gone through no fault of the code's: everything anew. */
  async #again(code: string, options: RunOptions, failure: ExecutionResult): Promise<ExecutionResult> {
    await this.#host.end(this.#name);
    this.#name = await this.#host.open(options.signal);
    const recorded = this.#cells.splice(0);
    const mismatch = await this.#replay(recorded, options.signal).catch((error: unknown) => {
      this.#cells = recorded;
      if (error instanceof InfrastructureError) return failure;
      throw error;
    });
    if (mismatch) {
      this.#cells = recorded;
      await this.#lose("met a failure of the interpreter, and the cells before it did not repeat");
      return failure;
    }
    const result = await this.#host.run(this.#name, code, { ...options, rolloutId: this.#rolloutId });
    if (result.status !== "infrastructure" || this.#host.diesTwice === "infrastructure") return result;
    return { ...result, status: "crash", stderr: "" };
  }

  /** Runs recorded cells here; returns the first that did not repeat. */
  async #replay(
    recorded: readonly RecordedCell[],
    signal: AbortSignal | undefined,
  ): Promise<ReplayMismatch | undefined> {
    let mismatch: ReplayMismatch | undefined;
    for (const [cell, { code, options, result: expected }] of recorded.entries()) {
      const found = await this.#host.run(this.#name, code, { ...options, rolloutId: this.#rolloutId, signal });
      if (found.status === "infrastructure")
        throw new InfrastructureError(`Cell ${cell} could not be replayed: ${found.stderr}`);
      this.#cells.push({ code, options, result: found });
      if (!repeats(expected, found)) mismatch ??= { cell, expected, found };
      if (this.#host.lives(this.#name)) continue;
      await this.#lose(`ended with status "${found.status}"`, -1);
      if (cell + 1 < recorded.length)
        throw new SessionLostError(`Cell ${cell} ended with status "${found.status}" when it was replayed.`, hint);
    }
    return mismatch;
  }

  /** @param offset -1 where the cell is the last recorded one. */
  async #lose(how: string, offset = 0): Promise<void> {
    this.#lost = `its cell ${this.#cells.length + offset} (from 0) ${how}`;
    await this.#host.end(this.#name);
  }
}

const hint = "fork({ cell }) makes a new one with the cells before.";

/** Outcomes apart from times, memory and the addresses of objects. */
function repeats(expected: ExecutionResult, found: ExecutionResult): boolean {
  return isDeepStrictEqual(comparable(expected), comparable(found));
}

function comparable(result: ExecutionResult): unknown {
  const { durationMs: _, queuedMs: __, peakMemoryMb: ___, ...rest } = result;
  return JSON.parse(JSON.stringify(rest).replace(/\b0x[0-9a-f]{6,}\b/g, "0x0"));
}
