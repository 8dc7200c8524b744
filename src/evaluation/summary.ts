import { z } from "zod";
import type { ExecutionStatus } from "../interpreter/types.ts";
import { type Estimate, majorityAtK, mean, passAtK, wilsonInterval } from "./statistics.ts";

export const settingsSchema = z.strictObject({
  temperature: z.number().nonnegative(),
  topP: z.number().positive().max(1),
  seed: z.int().nonnegative(),
  maxToolCalls: z.int().nonnegative(),
  maxLength: z.int().positive(),
  promptFormat: z.string(),
  reward: z.string(),
});

/** What a score depends on beside policy and tasks; printed with every card. */
export type EvaluationSettings = z.infer<typeof settingsSchema>;

/** One response to a task. */
export interface SampleResult {
  correct: boolean;
  /** What stood in the last box; null without one. */
  answer: string | null;
  /** Executions of code. */
  toolCalls: number;
  /** Tokens that the policy sampled. */
  tokens: number;
  /** How each execution ended, in order, where known. */
  executions?: ExecutionStatus[];
  /** Time that its executions took together, queueing left out, where known. Milliseconds. */
  toolMs?: number;
}

/** What became of a response's code. */
export const errorHistories = ["no code", "all ran", "error, then fixed", "error, not fixed"] as const;
export type ErrorHistory = (typeof errorHistories)[number];

/** All responses to one task. */
export interface TaskResult {
  taskId: string;
  family: string;
  /** What else the task is grouped by: `{ level: "5", subject: "Algebra" }`. */
  labels?: Record<string, string>;
  samples: SampleResult[];
}

/** The figures of a group of tasks. Shares are from 0 to 1. */
export interface EvaluationSummary {
  tasks: number;
  samples: number;
  /** avg@k: mean accuracy over tasks. Its 95 % interval counts tasks, not samples, as independent (Wilson). */
  accuracy: Estimate;
  /** Unbiased pass@k for k = 1, 2, 4, … up to the smallest number of samples of a task, and that number. */
  passAtK: Record<number, number>;
  /** maj@k over all samples of each task. */
  majority: number;
  /** Responses that executed code. */
  codeShare: number;
  /** Right responses that executed code; 0 where none is right. */
  codeShareOfCorrect: number;
  meanToolCalls: number;
  meanTokens: number;
  /** What it cost: tokens that the policy sampled in all. */
  totalTokens: number;
  /** What it cost: time of all executions together, queueing left out; undefined where it was not recorded. Seconds. */
  toolSeconds: number | undefined;
  /** Executions that ended without an error; undefined where it was not recorded. */
  passRate: number | undefined;
  /** Accuracy given what became of the code: how many responses, and the share of right ones. */
  histories: Partial<Record<ErrorHistory, { samples: number; accuracy: number }>>;
}

/** "fixed": the last execution ended well after an earlier one had not. */
export function errorHistory(executions: readonly ExecutionStatus[]): ErrorHistory {
  if (!executions.length) return "no code";
  if (executions.every((status) => status === "ok")) return "all ran";
  return executions.at(-1) === "ok" ? "error, then fixed" : "error, not fixed";
}

/** Powers of two up to `n`, and `n`. */
function ladder(n: number): number[] {
  const steps: number[] = [];
  for (let k = 1; k < n; k *= 2) steps.push(k);
  return [...steps, n];
}

/** Computes every figure of a group of tasks, which must not be empty. */
export function summarise(tasks: readonly TaskResult[]): EvaluationSummary {
  const right = (task: TaskResult): number => task.samples.filter((sample) => sample.correct).length;
  const all = tasks.flatMap((task) => task.samples);
  const correct = all.filter((sample) => sample.correct);
  const withCode = (samples: SampleResult[]): number => mean(samples.map((sample) => (sample.toolCalls > 0 ? 1 : 0)));
  const executions = all.every((sample) => sample.executions) ? all.flatMap((sample) => sample.executions!) : undefined;
  const ks = ladder(Math.min(...tasks.map((task) => task.samples.length)));
  return {
    tasks: tasks.length,
    samples: all.length,
    accuracy: wilsonInterval(mean(tasks.map((task) => right(task) / task.samples.length)), tasks.length),
    passAtK: Object.fromEntries(
      ks.map((k) => [k, mean(tasks.map((task) => passAtK(task.samples.length, right(task), k)))]),
    ),
    majority: mean(tasks.map(({ samples }) => majorityOf(samples, samples.length))),
    codeShare: withCode(all),
    codeShareOfCorrect: withCode(correct),
    meanToolCalls: mean(all.map((sample) => sample.toolCalls)),
    meanTokens: mean(all.map((sample) => sample.tokens)),
    totalTokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
    toolSeconds: all.every(({ toolMs }) => toolMs !== undefined)
      ? all.reduce((sum, { toolMs }) => sum + toolMs!, 0) / 1000
      : undefined,
    passRate: executions?.length ? mean(executions.map((status) => (status === "ok" ? 1 : 0))) : undefined,
    histories: executions ? histories(all) : {},
  };
}

/** Majority votes of `k` of the samples that are right; every form of the right answer is one candidate. */
export const majorityOf = (samples: readonly SampleResult[], k: number): number =>
  majorityAtK(
    samples.map(({ answer, correct }) => ({ key: correct ? "right" : wrongKey(answer), correct })),
    k,
  );

function histories(samples: readonly SampleResult[]): EvaluationSummary["histories"] {
  const found: EvaluationSummary["histories"] = {};
  for (const history of errorHistories) {
    const members = samples.filter((sample) => errorHistory(sample.executions!) === history);
    if (members.length)
      found[history] = {
        samples: members.length,
        accuracy: mean(members.map((sample) => (sample.correct ? 1 : 0))),
      };
  }
  return found;
}

const wrongKey = (answer: string | null): string | undefined => (answer === null ? undefined : `wrong: ${answer}`);
