import { z } from "zod";
import { RandomStream } from "../../base/random.ts";
import { parseInput } from "../../base/schema.ts";
import type { CodeInterpreter } from "../../interpreter/types.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import { CellRunner } from "./cell-runner.ts";
import type { ArithmeticTask } from "./generators.ts";
import { type TraceMixture, type TraceRow, traceScript } from "./trace-script.ts";
import type { Taskset } from "./types.ts";

/** The two phases of a cold start. */
export const traceMixtures = {
  /** Nearly all code and nearly all right: teaches to copy digits and to read outputs. About the first three quarters. */
  pretraining: {
    codeAllowed: 0.9,
    code: 0.95,
    bug: 0.04,
    repair: 0.6,
    guessRight: 0.5,
    recallRight: 0.6,
    stopEarly: 0.1,
    miscopy: 0,
  },
  /** The habits of the base model: code in less than half of the answers, a bug in a quarter of the code. */
  base: {
    codeAllowed: 0.75,
    code: 0.4,
    bug: 0.25,
    repair: 0.4,
    guessRight: 0.35,
    recallRight: 0.6,
    stopEarly: 0.25,
    miscopy: 0.1,
  },
} satisfies Record<string, TraceMixture>;

const share = z.number().min(0).max(1);
const mixtureSchema = z.strictObject({
  codeAllowed: share,
  code: share,
  bug: share,
  repair: share,
  guessRight: share,
  recallRight: share,
  stopEarly: share,
  miscopy: share,
});

export interface TraceOptions {
  taskset: Taskset<ArithmeticTask>;
  tokenizer: Tokenizer;
  /** Runs the traces' cells: every output in the corpus is real. */
  interpreter: CodeInterpreter;
  seed: number;
  /** Tool outputs count in the loss. Default true: the base model is one that has read outputs as text. */
  trainTools?: boolean;
}

/**
 * Makes the corpus on which a base model is trained before reinforcement learning. Row `i` depends on the seed, the
 * mixture and `i` alone, so a corpus can be made in parts of any size.
 *
 * @example
 * const traces = new TraceBuilder({ taskset: tasks.arithmetic(), tokenizer, interpreter, seed: 80 });
 * const rows = await traces.rows(traceMixtures.pretraining, { start: 0, count: 2000 });
 */
export class TraceBuilder {
  readonly #options: TraceOptions;
  readonly #runner: CellRunner;

  constructor(options: TraceOptions) {
    this.#options = options;
    this.#runner = new CellRunner(options.interpreter);
  }

  /** Rows `start` to `start + count - 1`. */
  async rows(
    mixture: TraceMixture,
    { start = 0, count, signal }: { start?: number; count: number; signal?: AbortSignal },
  ): Promise<TraceRow[]> {
    const shares = parseInput(mixtureSchema, mixture, "trace mixture");
    const { taskset, tokenizer, seed, trainTools = true } = this.#options;
    const rows: TraceRow[] = new Array(count);
    const scripts = Array.from({ length: count }, (_, row) => {
      const stream = new RandomStream(seed, "traces", start + row);
      return { row, script: traceScript(taskset.sample(stream), shares, tokenizer, stream, trainTools), cell: "" };
    });
    const advance = (entry: (typeof scripts)[number], step: IteratorResult<string, TraceRow>): boolean => {
      if (step.done) rows[entry.row] = step.value;
      else entry.cell = step.value;
      return !step.done;
    };
    // All scripts go on to their next cell, all these cells run together, and so on until the longest trace is done.
    let waiting = scripts.filter((entry) => advance(entry, entry.script.next()));
    while (waiting.length > 0) {
      await this.#runner.run(
        waiting.map((entry) => entry.cell),
        signal,
      );
      waiting = waiting.filter((entry) => advance(entry, entry.script.next(this.#runner.feedbackOf(entry.cell))));
    }
    return rows;
  }
}

export type { TraceMixture, TraceRow } from "./trace-script.ts";
