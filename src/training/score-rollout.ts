import type { Reward, RewardResult } from "../reward/index.ts";
import type { UnscoredRollout } from "./batch.ts";

/** Judges one rollout by what its policy wrote itself. */
export async function scoreRollout(
  reward: Reward,
  { task, trajectory }: Pick<UnscoredRollout, "task" | "trajectory">,
): Promise<RewardResult> {
  const toolText = trajectory.toolCalls.map((call) => call.feedback).join("\n");
  return reward.score({ task, text: trajectory.assistantText, toolText });
}
