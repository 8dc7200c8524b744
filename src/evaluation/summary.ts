import { type Estimate, majorityAtK, mean, passAtK, wilsonInterval } from "./statistics.ts";

/** One response to a task. */
export interface SampleResult {
  correct: boolean;
  /** What stood in the last box; null without one. */
  answer: string | null;
  /** Executions of code. */
  toolCalls: number;
  /** Tokens that the policy sampled. */
  tokens: number;
}

/** All responses to one task. */
export interface TaskResult {
  taskId: string;
  family: string;
  samples: SampleResult[];
}

/** The figures of a group of tasks. Shares are from 0 to 1. */
export interface EvaluationSummary {
  tasks: number;
  samples: number;
  /** avg@k: mean accuracy over tasks. Its 95 % interval counts tasks, not samples, as independent. */
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
  const ks = ladder(Math.min(...tasks.map((task) => task.samples.length)));
  return {
    tasks: tasks.length,
    samples: all.length,
    accuracy: wilsonInterval(mean(tasks.map((task) => right(task) / task.samples.length)), tasks.length),
    passAtK: Object.fromEntries(
      ks.map((k) => [k, mean(tasks.map((task) => passAtK(task.samples.length, right(task), k)))]),
    ),
    majority: mean(
      tasks.map(({ samples }) =>
        majorityAtK(
          // Every form of the right answer is one candidate.
          samples.map(({ answer, correct }) => ({ key: correct ? "right" : wrongKey(answer), correct })),
          samples.length,
        ),
      ),
    ),
    codeShare: withCode(all),
    codeShareOfCorrect: withCode(correct),
    meanToolCalls: mean(all.map((sample) => sample.toolCalls)),
    meanTokens: mean(all.map((sample) => sample.tokens)),
  };
}

const wrongKey = (answer: string | null): string | undefined => (answer === null ? undefined : `wrong: ${answer}`);
