import { InvalidInputError } from "../base/errors.ts";
import { type AdvantageEstimatorChoice, estimatorOf } from "./advantages/index.ts";
import type { AdvantageInput } from "./advantages/types.ts";
import {
  type Batch,
  correctedLogprobs,
  isMasked,
  isTrained,
  offPolicyCount,
  type ScoredRollout,
  shapedReward,
} from "./batch.ts";
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
  const trained = rollouts.map((rollout) => trainedTokens(rollout, config));
  const penalties = isKlInReward(config)
    ? rollouts.map((rollout, i) => referenceKl(rollout, trained[i]!, config).map((kl) => -config.klCoef * kl))
    : undefined;
  const perToken = estimator.needs?.includes("trainedCounts");
  const penalty = (i: number) => (penalties && !perToken ? penalties[i]!.reduce((sum, value) => sum + value, 0) : 0);
  return {
    rewards: rollouts.map((rollout, i) => shapedReward(rollout) + penalty(i)),
    groups: rollouts.map(({ group }) => group),
    tokenCounts: rollouts.map((rollout) => {
      const { sampledCount, length, promptLength } = rollout.trajectory;
      return config.advantageTokens === "trainable"
        ? sampledCount + offPolicyCount(rollout, config)
        : length - promptLength;
    }),
    trainedCounts: trained.map((tokens) => tokens.length),
    toolCalls: rollouts.map(({ trajectory }) => trajectory.toolCalls.length),
    correct: rollouts.map(({ reward }) => reward.correct),
    turns: rollouts.map(({ trajectory }, i) =>
      trained[i]!.map((token) => trajectory.toolCalls.filter(({ start }) => start <= token).length),
    ),
    gamma: config.gamma,
    lambda: config.gaeLambda,
    ...ofAll("values", rollouts, ({ values }, i) => values && trained[i]!.map((token) => values[token]!)),
    ...ofAll("turnRewards", rollouts, ({ reward }) => reward.turnRewards),
    ...(perToken && penalties && { tokenRewards: penalties }),
    ...(batch.greedy && { baselines: greedyRewards(batch) }),
  };
}

/** A part of the input that estimators may need of every rollout; absent where no rollout has it. */
function ofAll<K extends "values" | "turnRewards", V>(
  name: K,
  rollouts: readonly ScoredRollout[],
  get: (rollout: ScoredRollout, i: number) => V | undefined,
): { [key in K]?: V[] } {
  const all = rollouts.map(get);
  const missing = all.indexOf(undefined);
  if (missing < 0) return { [name]: all } as { [key in K]: V[] };
  if (all.some((one) => one !== undefined)) {
    const { group, sample } = rollouts[missing]!;
    throw new InvalidInputError(
      `Rollout ${group}/${sample} of the batch has no ${name}, but others do.`,
      "Score the whole batch again with trainer.score(batch).",
    );
  }
  return {};
}

const trainedTokens = ({ trajectory }: ScoredRollout, config: StepConfig): number[] =>
  Array.from(trajectory.ids.keys()).filter((token) => isTrained(trajectory, token, config));

const isKlInReward = (config: StepConfig): boolean => needsReference(config) && config.klIn === "reward";

/** Estimated KL(policy || reference) of each trained token as it was sampled. */
function referenceKl(rollout: ScoredRollout, trained: readonly number[], config: StepConfig): Float64Array {
  const { trajectory, refLogprobs } = rollout;
  if (!refLogprobs)
    throw new InvalidInputError(
      "The batch has no log-probs of a reference policy, but klCoef is above 0.",
      "Collect it again, or score it with trainer.score(batch).",
    );
  const logprobs = config.importanceCap ? correctedLogprobs(rollout) : trajectory.logprobs;
  return Float64Array.from(trained, (token) => klEstimate(config.klForm, logprobs[token]!, refLogprobs[token]!));
}

/** The mean of that over a batch where it is part of the reward; undefined where it is not, or nobody measured it. */
export function meanReferenceKl(rollouts: readonly ScoredRollout[], config: StepConfig): number | undefined {
  if (!isKlInReward(config) || rollouts.some(({ refLogprobs }) => !refLogprobs)) return undefined;
  const values = rollouts.flatMap((rollout) =>
    isMasked(rollout) ? [] : Array.from(referenceKl(rollout, trainedTokens(rollout, config), config)),
  );
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
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
