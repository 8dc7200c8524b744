import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol, type MimeBundle } from "../display/index.ts";
import { cirFeedback } from "./feedback.ts";
import { startJail } from "./jail/start.ts";
import {
  type CheckedOptions,
  interpreterOptions,
  type PythonInterpreterOptions,
  type StartedEngine,
} from "./options.ts";
import { startPyodide } from "./pyodide/start.ts";
import { toExecutionResult } from "./result.ts";
import { wellFormed } from "./text.ts";
import type { CodeInterpreter, ExecutionResult, ExecutionStatus, InterpreterStats, RunOptions } from "./types.ts";

const maxTimeoutMs = 3_600_000;
/** Output that is kept of a snippet, both streams together; writing more ends it. */
const maxOutputBytes = 1 << 20;

/**
 * Runs Python snippets that a policy wrote: many at once, each in a fresh namespace, with a time, memory and output
 * limit.
 *
 * @example
 * const python = await PythonInterpreter.start({ timeoutMs: 5000 });
 * const result = await python.run("print(2**10)");
 * python.feedback(result); // "1024"
 * await python.close();
 */
export class PythonInterpreter implements CodeInterpreter {
  readonly engine: "jail" | "pyodide" | "quickjs";
  readonly description: string;
  readonly #options: CheckedOptions;
  readonly #pool: StartedEngine["pool"];
  readonly #byStatus: Record<ExecutionStatus, number> = {
    ok: 0,
    error: 0,
    timeout: 0,
    memory: 0,
    outputLimit: 0,
    crash: 0,
    infrastructure: 0,
  };
  #totalMs = 0;

  private constructor(options: CheckedOptions, started: StartedEngine, reason: string) {
    this.engine = started.engine;
    this.description = `Python ${started.version} ${started.about}; ${reason}.`;
    this.#options = options;
    this.#pool = started.pool;
  }

  /**
   * Starts the processes; with `"auto"` the jail where its self-test holds, else Pyodide. `description` says which and
   * why.
   *
   * @throws InvalidInputError for an unknown or impossible option.
   * @throws InfrastructureError where the engine that was asked for does not start or its self-test fails.
   */
  static async start(options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
    const checked = parseInput(interpreterOptions, options, "interpreter options");
    if (checked.engine === "jail") return new PythonInterpreter(checked, await startJail(checked), "as asked for");
    if (checked.engine === "pyodide")
      return new PythonInterpreter(checked, await startPyodide(checked), "as asked for");
    let reason: string;
    try {
      return new PythonInterpreter(checked, await startJail(checked), "chosen because its self-test holds here");
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      reason = error.message;
    }
    return new PythonInterpreter(checked, await startPyodide(checked), `chosen because there is no jail (${reason})`);
  }

  /** Process ids of the interpreter's own processes. */
  get pids(): number[] {
    return this.#pool.pids;
  }

  /**
   * Runs one snippet, as soon as a lane is free, in a fresh namespace: nothing is shared with earlier snippets.
   *
   * @throws InvalidInputError for a time-out that is not positive.
   * @throws InterruptedError when `options.signal` is aborted, and after `close()`.
   */
  async run(code: string, options: RunOptions = {}): Promise<ExecutionResult> {
    const { memoryMb, seed, clock } = this.#options;
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    if (!(timeoutMs > 0 && timeoutMs <= maxTimeoutMs))
      throw new InvalidInputError(`Invalid timeoutMs ${timeoutMs}: it must be above 0 and at most ${maxTimeoutMs}.`);
    const request = {
      code: wellFormed(code),
      seed,
      clock: clock === "real" ? null : clock,
      timeoutMs,
      memoryMb: options.memoryMb ?? memoryMb,
      maxOutputBytes: options.maxOutputBytes ?? maxOutputBytes,
      lastExpression: options.lastExpression ?? false,
      plots: options.plots ?? false,
      profile: "bare" as const,
      session: null,
    };
    const outcome = await this.#pool.run(request, options.rolloutId, options.signal);
    const result = toExecutionResult(outcome);
    this.#byStatus[result.status]++;
    this.#totalMs += result.durationMs;
    return result;
  }

  /** {@link cirFeedback} with the interpreter's `maxOutputChars`. */
  feedback(result: ExecutionResult): string {
    return cirFeedback(result, this.#options.maxOutputChars);
  }

  stats(): InterpreterStats {
    return {
      snippets: Object.values(this.#byStatus).reduce((sum, count) => sum + count, 0),
      byStatus: { ...this.#byStatus },
      recycled: this.#pool.recycled,
      infrastructureFailures: this.#pool.failures,
      totalMs: this.#totalMs,
    };
  }

  [displaySymbol](): MimeBundle {
    const { snippets, byStatus, recycled, infrastructureFailures } = this.stats();
    const outcomes = Object.entries(byStatus).flatMap(([status, count]) => (count ? [`${count} ${status}`] : []));
    const lines = [this.description];
    if (snippets) lines.push(`${snippets} snippets (${outcomes.join(", ")}); ${recycled} processes replaced`);
    if (infrastructureFailures) lines.push(`${infrastructureFailures} failures of the interpreter itself`);
    return { "text/plain": lines.join("\n") };
  }

  /** Ends all processes and waits until they are gone. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}
