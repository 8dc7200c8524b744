/**
 * Supervised training on traces of code-integrated reasoning: the cold start that makes a base model which can write
 * code, but not reliably. (The paper starts from a pre-trained model; a policy with fresh weights needs this instead.)
 */

import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import { InterruptedError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol } from "../display/host.ts";
import { lineChart, progress } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Policy } from "../policy/policy.ts";
import type { ArithmeticTask, Taskset } from "../rollout/tasks/index.ts";
import { TraceBuilder, type TraceRow, traceMixtures } from "../rollout/tasks/traces.ts";
import { crossEntropy } from "./objectives/cross-entropy.ts";
import { type MaskedRows, PolicyOptimizer } from "./optimizer.ts";

const settingsSchema = z.strictObject({
  /** Optimizer steps. */
  steps: z.int().positive().default(1200),
  /** Peak of the learning rate: 30 steps of warm-up, then a line down to 5 %. */
  learningRate: z.number().positive().default(5e-3),
  weightDecay: z.number().nonnegative().default(0.01),
  maxGradNorm: z.number().positive().default(1),
  /** Share of the steps spent on mostly right code, before the base model's own habits. */
  pretraining: z.number().min(0).max(1).default(0.75),
});

export interface SftOptions extends z.input<typeof settingsSchema> {
  lab: LabContext;
  policy: Policy;
  /** Runs the traces' code: every output in the corpus is real. */
  interpreter: CodeInterpreter;
  taskset: Taskset<ArithmeticTask>;
}

/** Rows of one length that a step takes. */
const shapes = [
  { rows: 128, length: 40 },
  { rows: 48, length: 96 },
];
const chunk = 512;
const warmup = 30;

/** How the loss fell. */
export class SftReport {
  readonly losses: readonly number[];
  readonly tokens: number;

  constructor(losses: readonly number[], tokens: number) {
    this.losses = losses;
    this.tokens = tokens;
  }

  [displaySymbol](): unknown {
    const title = `Cold start: ${this.losses.length} steps on ${this.tokens.toLocaleString("en")} trained tokens`;
    return lineChart([{ name: "loss", y: [...this.losses] }], { title, x: "step", y: "cross-entropy (nats)" })[
      displaySymbol
    ]();
  }
}

/**
 * Trains a policy in place on traces of the given tasks.
 *
 * @example
 * await sft({ lab, policy, interpreter: python, taskset: train, steps: 1200 });
 * @throws InterruptedError at the end of the step in flight; the policy keeps what it has learnt.
 */
export async function sft(options: SftOptions): Promise<SftReport> {
  const { lab, policy, interpreter, taskset, ...settings } = options;
  const config = parseInput(settingsSchema, settings, "sft settings");
  const optimizer = await PolicyOptimizer.create(policy, { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 });
  // Outputs cannot be foreseen: learning them first would drown the copying of digits. Later they are text like any other,
  // so that a base model can invent them, as real ones do.
  const source = { taskset, tokenizer: policy.tokenizer, interpreter, seed: lab.seed };
  const pretraining = new TraceBuilder({ ...source, trainTools: false });
  const base = new TraceBuilder(source);
  const queues: TraceRow[][] = shapes.map(() => []);
  const bar = progress({ total: config.steps }, { label: "cold start", unit: "steps" });
  const losses: number[] = [];
  let start = 0;
  let tokens = 0;
  try {
    for (let step = 0; step < config.steps; step++) {
      if (lab.signal()?.aborted) throw new InterruptedError(`The cold start was interrupted after ${step} steps.`);
      const isPretraining = step < config.pretraining * config.steps;
      const traces = isPretraining ? pretraining : base;
      const mixture = isPretraining ? traceMixtures.pretraining : traceMixtures.base;
      while (!shapes.some(({ rows }, i) => queues[i]!.length >= rows)) {
        for (const row of await traces.rows(mixture, { start, count: chunk, signal: lab.signal() })) {
          const fits = shapes.findIndex(({ length }) => row.ids.length <= length);
          if (fits >= 0) queues[fits]!.push(row);
        }
        start += chunk;
      }
      // The long rows first: they come more slowly, and a full queue of them is always a whole batch.
      const which = queues.findLastIndex((queue, i) => queue.length >= shapes[i]!.rows);
      const rows = layOut(queues[which]!.splice(0, shapes[which]!.rows), shapes[which]!, policy.tokenizer.padId);
      const decay = 1 - 0.95 * (step / config.steps);
      const { loss } = await optimizer.step(rows, {
        objective: { name: "cross-entropy", loss: crossEntropy },
        inputs: {},
        learningRate: config.learningRate * Math.min(1, (step + 1) / warmup) * decay,
        weightDecay: config.weightDecay,
        maxGradNorm: config.maxGradNorm,
        temperature: 1,
      });
      policy.version++;
      losses.push(loss!);
      tokens += rows.mask.reduce((sum, value) => sum + value, 0);
      bar.set(step + 1, { text: `loss ${loss!.toFixed(3)}` });
    }
  } finally {
    bar.done();
    await optimizer.close();
  }
  return new SftReport(losses, tokens);
}

/** Lays traces out as rows; position i of a row predicts token i + 1. */
function layOut(traces: readonly TraceRow[], shape: { rows: number; length: number }, padId: number): MaskedRows {
  const size = shape.rows * shape.length;
  const ids = new Int32Array(size).fill(padId);
  const targets = new Int32Array(size).fill(padId);
  const mask = new Float32Array(size);
  traces.forEach((trace, row) => {
    const base = row * shape.length;
    trace.ids.forEach((id, i) => {
      ids[base + i] = id;
      if (i === 0) return;
      targets[base + i - 1] = id;
      mask[base + i - 1] = trace.trained[i] ? 1 : 0;
    });
  });
  return { ...shape, ids, targets, mask };
}
