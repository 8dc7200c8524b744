import { RandomStream } from "../base/random.ts";
import { formatNumber, formatPercent } from "../display/format.ts";
import { displaySymbol, type MimeBundle } from "../display/host.ts";
import { bootstrapInterval, type Estimate, mean, passAtK, wilsonInterval } from "./statistics.ts";
import { type EvaluationSettings, majorityOf, type TaskResult } from "./summary.ts";

/** One number of an evaluation with all that it depends on: a score never stands alone. */
export class Score {
  /** `avg@16`, `pass@4`, `maj@16`. */
  readonly metric: string;
  readonly value: number;
  /** 95 % interval over tasks: Wilson's for avg, the percentile bootstrap's for pass and maj. */
  readonly low: number;
  readonly high: number;
  readonly tasks: number;
  /** Responses per task that it is computed from. */
  readonly n: number;
  /** Undefined for cards of which it is not known. */
  readonly settings: EvaluationSettings | undefined;

  constructor(metric: string, estimate: Estimate, tasks: number, n: number, settings: EvaluationSettings | undefined) {
    this.metric = metric;
    this.value = estimate.value;
    this.low = estimate.low;
    this.high = estimate.high;
    this.tasks = tasks;
    this.n = n;
    this.settings = settings;
  }

  toString(): string {
    const { metric, value, low, high, tasks, n, settings } = this;
    const sampled = settings ? settingsText(settings) : "settings not recorded";
    return (
      `${metric} = ${formatPercent(value)} (${formatPercent(low)} to ${formatPercent(high)}; ` +
      `${formatNumber(tasks)} tasks, n = ${n}; ${sampled})`
    );
  }

  [displaySymbol](): MimeBundle {
    return { "text/plain": String(this) };
  }
}

/** The settings that a score depends on, as they are printed with it. */
export const settingsText = ({
  temperature,
  topP,
  seed,
  maxToolCalls,
  maxLength,
  promptFormat,
  reward,
}: EvaluationSettings): string =>
  `temperature ${temperature}, top-p ${topP}, seed ${seed}, at most ${maxToolCalls} tool calls and ${maxLength} tokens, prompt "${promptFormat}", ${reward}`;

const rightOf = ({ samples }: TaskResult): number => samples.filter(({ correct }) => correct).length;

/** Of each task its share of right answers. */
export const averages = (tasks: readonly TaskResult[]): number[] =>
  tasks.map((task) => rightOf(task) / task.samples.length);

/** Of each task its unbiased pass@k. */
export const passes = (tasks: readonly TaskResult[], k: number): number[] =>
  tasks.map((task) => passAtK(task.samples.length, rightOf(task), k));

/** The mean of a figure of each task with its bootstrap interval; the same figures give the same interval. */
export function bootstrapped(values: readonly number[], k: number): Estimate {
  const stream = new RandomStream(0, "bootstrap", k);
  return bootstrapInterval(values, () => stream.next());
}

/** The scores of tasks: avg@n, pass@k for every `k`, maj@n. */
export function scoresOf(
  tasks: readonly TaskResult[],
  ks: readonly number[],
  settings: EvaluationSettings | undefined,
): Score[] {
  const n = Math.min(...tasks.map(({ samples }) => samples.length));
  const score = (metric: string, estimate: Estimate) => new Score(metric, estimate, tasks.length, n, settings);
  return [
    score(`avg@${n}`, wilsonInterval(mean(averages(tasks)), tasks.length)),
    ...ks.map((k) => score(`pass@${k}`, bootstrapped(passes(tasks, k), k))),
    score(`maj@${n}`, bootstrapped(majorities(tasks, n), n)),
  ];
}

/** Of each task its maj@k. */
export const majorities = (tasks: readonly TaskResult[], k: number): number[] =>
  tasks.map(({ samples }) => majorityOf(samples, k));
