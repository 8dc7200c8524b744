import type { Reward, RewardResult } from "../reward/index.ts";
import type { UnscoredRollout } from "./batch.ts";

/** Judges one rollout by what its policy wrote itself, as of a training step. */
export async function scoreRollout(
  reward: Reward,
  { task, trajectory }: Pick<UnscoredRollout, "task" | "trajectory">,
  step: number,
): Promise<RewardResult> {
  const toolText = trajectory.toolCalls.map((call) => call.feedback).join("\n");
  const tokens = trajectory.length - trajectory.promptLength;
  return reward.score({ task, text: trajectory.assistantText, toolText, step, tokens });
}
