import type { CodeInterpreter, ExecutionResult, InterpreterSession, ReplayMismatch } from "../interpreter/types.ts";

/** How the code of one rollout is run. */
export interface CellOptions {
  /** Tells rollouts apart. */
  readonly rolloutId: string;
  /** Cells share variables (ReTool style). By default each starts anew (CIR). */
  readonly stateful: boolean;
}

/** What the cells of a rollout run on. */
export type CellInterpreter = Pick<CodeInterpreter, "run" | "session">;

/** A session of the rollout, and how many cells had run before it. */
interface Opened {
  readonly session: InterpreterSession;
  readonly start: number;
}

/**
 * The code cells of one rollout: each alone, or all in one session that opens with the first. A cell that was ended from
 * outside takes the variables with it: the next one finds a fresh session, as after the restart of a kernel.
 */
export class RolloutCells {
  readonly #interpreter: CellInterpreter;
  readonly #options: CellOptions;
  /** The newest last. */
  readonly #sessions: Opened[] = [];
  #count: number;
  /** Makes the first session where it is not a plain new one. */
  readonly #replay: ((signal?: AbortSignal) => Promise<InterpreterSession>) | undefined;

  private constructor(
    interpreter: CellInterpreter,
    options: CellOptions,
    count: number,
    replay?: (signal?: AbortSignal) => Promise<InterpreterSession>,
  ) {
    this.#interpreter = interpreter;
    this.#options = options;
    this.#count = count;
    this.#replay = replay;
  }

  /** Cells of a rollout that has run none. */
  static of(interpreter: CellInterpreter, options: CellOptions): RolloutCells {
    return new RolloutCells(interpreter, options, 0);
  }

  /** Cells of a rollout that goes on: what it has run before is run again when, and if, it needs the variables. */
  static after(interpreter: CellInterpreter, options: CellOptions, codes: readonly string[]): RolloutCells {
    const { rolloutId } = options;
    const replay = async (signal?: AbortSignal): Promise<InterpreterSession> => {
      let session = await interpreter.session({ rolloutId, signal });
      for (const code of codes) {
        await session.run(code, { signal });
        if (session.lost === undefined) continue;
        await session.close();
        session = await interpreter.session({ rolloutId, signal });
      }
      return session;
    };
    return new RolloutCells(interpreter, options, codes.length, replay);
  }

  /** Runs one cell; it counts once it has a result. */
  async run(code: string, signal?: AbortSignal): Promise<ExecutionResult> {
    const { rolloutId, stateful } = this.#options;
    const result = stateful
      ? await (await this.#session(signal)).run(code, { signal })
      : await this.#interpreter.run(code, { rolloutId, signal });
    this.#count++;
    return result;
  }

  /**
   * The cells of a fork that keeps the first `count` of them. A session is replayed when the fork runs its first cell;
   * this one stays as it is.
   */
  fork(count: number): RolloutCells {
    const from = this.#sessions.findLast(({ start }) => start < count);
    const replay =
      from &&
      ((signal?: AbortSignal) => from.session.fork({ cell: Math.min(count, this.#count) - from.start, signal }));
    return new RolloutCells(this.#interpreter, this.#options, count, replay);
  }

  /** Where a fork's replay first differed from the original; undefined where it did not, or nothing was replayed. */
  get mismatch(): ReplayMismatch | undefined {
    return this.#sessions[0]?.session.mismatch;
  }

  /** Ends what is still open. */
  async close(): Promise<void> {
    await Promise.all(this.#sessions.map(({ session }) => session.close()));
  }

  async #session(signal?: AbortSignal): Promise<InterpreterSession> {
    const newest = this.#sessions.at(-1);
    if (newest && newest.session.lost === undefined) return newest.session;
    await newest?.session.close();
    const { rolloutId } = this.#options;
    const replay = newest ? undefined : this.#replay;
    const session = replay ? await replay(signal) : await this.#interpreter.session({ rolloutId, signal });
    this.#sessions.push({ session, start: replay ? this.#count - session.cells.length : this.#count });
    return session;
  }
}
