import { InfrastructureError } from "../base/errors.ts";
import { checkTurnRewards, type Reward, type RewardResult } from "../reward/index.ts";
import { rewardInput } from "../rollout/reward-input.ts";
import type { ScoredRollout, UnscoredRollout } from "./batch.ts";

/**
 * Judges one rollout by what its policy wrote itself, as of a training step.
 *
 * @throws InvalidInputError for rewards of turns that do not fit the rollout's.
 */
export async function scoreRollout(
  reward: Reward,
  { task, trajectory }: Pick<UnscoredRollout, "task" | "trajectory">,
  step: number,
): Promise<RewardResult> {
  const input = { ...rewardInput(task, trajectory), step };
  return checkTurnRewards(reward.name, input, await reward.score(input));
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
