export { lastBoxed, sameAnswer } from "./answer.ts";
export { Grader, type GraderOptions } from "./grader.ts";
export { GraderFailure } from "./grader-lane.ts";
export type { EquivalenceOptions, How, Verdict } from "./math/options.ts";
export {
  asReward,
  OwnReward,
  ownRewards,
  type RewardFunction,
  type RewardLike,
  type RewardVerdict,
  reward,
} from "./own.ts";
export { rewards } from "./rewards.ts";
export { type PredictedCall, parseToolCalls, toolCallMatch } from "./tool-calls.ts";
export { checkTurnRewards } from "./turns.ts";
export type { Reward, RewardInput, RewardResult, RewardTurn, TurnReward } from "./types.ts";
export type { UnitTest } from "./unit-tests/reference.ts";
export type { TestOutcome } from "./unit-tests/reward.ts";
