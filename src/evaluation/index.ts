export { EvaluationCard } from "./card.ts";
export { Score } from "./scores.ts";
export { type Estimate, majorityAtK, mean, passAtK, type Vote, wilsonInterval } from "./statistics.ts";
export type { EvaluationSummary, SampleResult, TaskResult } from "./summary.ts";
