import { InfrastructureError } from "../base/errors.ts";
import type { Reward, RewardResult } from "../reward/index.ts";
import type { ScoredRollout, UnscoredRollout } from "./batch.ts";

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

/**
 * Judges rollouts. One whose judge failed for reasons of infrastructure has no verdict: it is left out and counted, as a
 * rollout whose tool failed is.
 */
export async function scoreRollouts(
  reward: Reward,
  rollouts: readonly UnscoredRollout[],
  step: number,
): Promise<{ scored: ScoredRollout[]; lost: InfrastructureError[] }> {
  const lost: InfrastructureError[] = [];
  const verdicts = await Promise.all(
    rollouts.map((rollout) =>
      scoreRollout(reward, rollout, step).catch((error: unknown) => {
        if (!(error instanceof InfrastructureError)) throw error;
        lost.push(error);
        return undefined;
      }),
    ),
  );
  const scored = rollouts.flatMap((rollout, i) => (verdicts[i] ? [{ ...rollout, reward: verdicts[i] }] : []));
  return { scored, lost };
}
