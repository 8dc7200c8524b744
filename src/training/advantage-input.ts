import { InvalidInputError } from "../base/errors.ts";
import { type AdvantageEstimatorChoice, estimatorOf } from "./advantages/index.ts";
import type { AdvantageInput } from "./advantages/types.ts";
import { type Batch, isTrained, type ScoredRollout, shapedReward } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { klEstimate } from "./objectives/kl.ts";
import { needsReference } from "./step-objective.ts";

/**
 * A batch as an advantage estimator sees it. A KL penalty in the reward is spread over the tokens; an estimator that
 * gives a rollout's tokens one advantage sees its sum.
 *
 * @throws InvalidInputError where a group has no greedy rollout to compare with.
 */
export function advantageInput(batch: Batch, config: StepConfig): AdvantageInput {
  const { rollouts } = batch;
  const estimator = estimatorOf(config.advantageEstimator as AdvantageEstimatorChoice);
  const trained = rollouts.map(({ trajectory }) =>
    Array.from(trajectory.ids.keys()).filter((token) => isTrained(trajectory, token, config.maskToolTokens)),
  );
  const penalties =
    needsReference(config) && config.klIn === "reward" ? tokenPenalties(rollouts, trained, config) : undefined;
  const perToken = estimator.needs?.includes("trainedCounts");
  const penalty = (i: number) => (penalties && !perToken ? penalties[i]!.reduce((sum, value) => sum + value, 0) : 0);
  return {
    rewards: rollouts.map((rollout, i) => shapedReward(rollout) + penalty(i)),
    groups: rollouts.map(({ group }) => group),
    tokenCounts: rollouts.map(({ trajectory }) =>
      config.advantageTokens === "trainable" ? trajectory.sampledCount : trajectory.length - trajectory.promptLength,
    ),
    trainedCounts: trained.map((tokens) => tokens.length),
    toolCalls: rollouts.map(({ trajectory }) => trajectory.toolCalls.length),
    correct: rollouts.map(({ reward }) => reward.correct),
    turns: rollouts.map(({ trajectory }, i) =>
      trained[i]!.map((token) => trajectory.toolCalls.filter(({ start }) => start <= token).length),
    ),
    gamma: config.gamma,
    ...(perToken && penalties && { tokenRewards: penalties }),
    ...(batch.greedy && { baselines: greedyRewards(batch) }),
  };
}

function tokenPenalties(rollouts: readonly ScoredRollout[], trained: number[][], config: StepConfig): Float64Array[] {
  return rollouts.map(({ trajectory, refLogprobs }, i) => {
    if (!refLogprobs)
      throw new InvalidInputError(
        "The batch has no log-probs of a reference policy, but klCoef is above 0.",
        "Collect it again, or score it with trainer.score(batch).",
      );
    return Float64Array.from(
      trained[i]!,
      (token) => -config.klCoef * klEstimate(config.klForm, trajectory.logprobs[token]!, refLogprobs[token]!),
    );
  });
}

function greedyRewards({ rollouts, greedy }: Batch): number[] {
  const byGroup = new Map(greedy!.map(({ group, reward }) => [group, reward.reward]));
  return rollouts.map(({ group }) => {
    const reward = byGroup.get(group);
    if (reward === undefined)
      throw new InvalidInputError(`Prompt ${group} of the batch has no greedy rollout to compare with.`);
    return reward;
  });
}
