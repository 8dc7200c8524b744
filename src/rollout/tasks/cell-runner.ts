import { InfrastructureError, InterruptedError } from "../../base/errors.ts";
import type { CodeInterpreter, ExecutionResult } from "../../interpreter/types.ts";

/** Cells that one program runs. */
const BATCH = 100;
/** Programs under way at once; the interpreter's pool decides how many really run. */
const CONCURRENCY = 8;
const ATTEMPTS = 3;

/**
 * A program that runs many cells, each in a fresh namespace, and prints what each printed: null where it raised. Far
 * faster than one execution a cell.
 */
function batchProgram(cells: readonly string[]): string {
  return `import contextlib, io, json
def run(cell):
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(cell, "<cell>", "exec"), {"__name__": "__main__"})
    except BaseException:
        return None
    return out.getvalue()
print(json.dumps([run(cell) for cell in json.loads(${JSON.stringify(JSON.stringify(cells))})]))`;
}

/** The whole array that a batch printed, or undefined. */
function batchOutputs(result: ExecutionResult, count: number): (string | null)[] | undefined {
  if (result.status !== "ok" || result.truncated) return undefined;
  const outputs: unknown = JSON.parse(result.stdout);
  return Array.isArray(outputs) && outputs.length === count ? outputs : undefined;
}

/**
 * Executes many small, harmless cells of our own making and keeps what the policy would read. Equal cells run once.
 * Cells that raise or print nothing run again alone, so that their feedback is the interpreter's own.
 */
export class CellRunner {
  readonly #interpreter: CodeInterpreter;
  readonly #feedback = new Map<string, string>();

  constructor(interpreter: CodeInterpreter) {
    this.#interpreter = interpreter;
  }

  /** Feedback of a cell that was run before. */
  feedbackOf(cell: string): string {
    const feedback = this.#feedback.get(cell);
    if (feedback === undefined) throw new InfrastructureError(`No feedback for the cell ${JSON.stringify(cell)}.`);
    return feedback;
  }

  /** @throws InfrastructureError when the interpreter fails three times in a row. */
  async run(cells: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const fresh = [...new Set(cells)].filter((cell) => !this.#feedback.has(cell));
    const batches: string[][] = [];
    for (let i = 0; i < fresh.length; i += BATCH) batches.push(fresh.slice(i, i + BATCH));
    await forEachAtOnce(batches, CONCURRENCY, (batch) => this.#runBatch(batch, signal));
    const rest = fresh.filter((cell) => !this.#feedback.has(cell));
    await forEachAtOnce(rest, 8 * CONCURRENCY, async (cell) => {
      this.#feedback.set(cell, this.#interpreter.feedback(await this.#execute(cell, signal)));
    });
  }

  async #runBatch(cells: readonly string[], signal?: AbortSignal): Promise<void> {
    const result = await this.#execute(batchProgram(cells), signal);
    const outputs = batchOutputs(result, cells.length) ?? [];
    for (const [i, stdout] of outputs.entries()) {
      if (!stdout?.trim()) continue;
      this.#feedback.set(cells[i]!, this.#interpreter.feedback({ ...result, stdout }));
    }
  }

  async #execute(code: string, signal?: AbortSignal): Promise<ExecutionResult> {
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new InterruptedError();
      const result = await this.#interpreter.run(code, { signal });
      if (result.status !== "infrastructure") return result;
      if (attempt === ATTEMPTS) {
        throw new InfrastructureError(
          `The ${this.#interpreter.engine} interpreter failed ${ATTEMPTS} times: ${result.stderr}`,
        );
      }
    }
  }
}

async function forEachAtOnce<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
