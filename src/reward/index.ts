export { lastBoxed, sameAnswer } from "./answer.ts";
export { rewards } from "./rewards.ts";
export type { Reward, RewardInput, RewardResult } from "./types.ts";
