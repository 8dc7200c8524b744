import { availableParallelism } from "node:os";
import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import { cirFeedback } from "./feedback.ts";
import { Pool } from "./pool.ts";
import { startPyodideLane } from "./pyodide/lane.ts";
import { discardSnapshot, ensureSnapshot } from "./pyodide/snapshot.ts";
import { toExecutionResult } from "./result.ts";
import { wellFormed } from "./text.ts";
import type { CodeInterpreter, ExecutionResult, ExecutionStatus, InterpreterStats, RunOptions } from "./types.ts";

const optionsSchema = z.strictObject({
  engine: z.enum(["auto", "jail", "pyodide"]).default("auto"),
  timeoutMs: z.number().positive().max(3_600_000).default(5000),
  maxOutputChars: z.number().int().min(2).default(400),
  isolation: z.enum(["snippet", "rollout", "pooled"]).default("rollout"),
  lanes: z.number().int().min(1).max(256).optional(),
  memoryMb: z.number().int().min(64).max(2048).default(256),
  seed: z.number().int().min(0).max(0xffffffff).default(0),
});

/** Options of {@link PythonInterpreter.start}; defaults are CIR's. */
export type PythonInterpreterOptions = z.input<typeof optionsSchema>;

/** Output that is kept of a snippet, both streams together; writing more ends it. */
const maxOutputBytes = 1 << 20;
const maxSnippetsPerProcess = 500;

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
  readonly engine: string;
  readonly description: string;
  readonly #options: z.output<typeof optionsSchema>;
  readonly #pool: Pool;
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

  private constructor(engine: string, description: string, options: z.output<typeof optionsSchema>, pool: Pool) {
    this.engine = engine;
    this.description = description;
    this.#options = options;
    this.#pool = pool;
  }

  static async start(options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
    const checked = parseInput(optionsSchema, options, "interpreter options");
    const lanes = checked.lanes ?? Math.max(1, availableParallelism());
    const startPool = async () => {
      const snapshot = await ensureSnapshot();
      const pool = new Pool({
        start: () => startPyodideLane(snapshot, checked.memoryMb),
        lanes,
        spares: 1,
        isolation: checked.isolation,
        maxSnippets: maxSnippetsPerProcess,
        diesTwice: "crash",
      });
      try {
        return { pool, version: await pool.ready() };
      } catch (error) {
        await pool.close();
        await discardSnapshot(snapshot);
        throw error;
      }
    };
    const { pool, version } = await startPool().catch(startPool);
    const description = `Python ${version} on Pyodide`;
    return new PythonInterpreter("pyodide", description, checked, pool);
  }

  async run(code: string, options: RunOptions = {}): Promise<ExecutionResult> {
    const { timeoutMs, memoryMb, seed } = this.#options;
    const request = {
      code: wellFormed(code),
      seed,
      timeoutMs: options.timeoutMs ?? timeoutMs,
      memoryMb,
      maxOutputBytes,
    };
    const started = performance.now();
    const outcome = await this.#pool.run(request, options.rolloutId, options.signal);
    const result = toExecutionResult(outcome, performance.now() - started);
    this.#byStatus[result.status]++;
    this.#totalMs += result.durationMs;
    return result;
  }

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

  close(): Promise<void> {
    return this.#pool.close();
  }
}
