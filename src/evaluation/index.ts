export { EvaluationCard } from "./card.ts";
export { type Estimate, majorityAtK, mean, passAtK, type Vote, wilsonInterval } from "./statistics.ts";
export type { EvaluationSummary, SampleResult, TaskResult } from "./summary.ts";
