import { InfrastructureError } from "../base/errors.ts";
import type { Reward } from "../reward/index.ts";
import type { Batch } from "./batch.ts";
import type { UnscoredBatch } from "./collect-batch.ts";
import type { StepConfig } from "./config.ts";
import { needsCritic } from "./critic/update.ts";
import { applyFilters } from "./filters/index.ts";
import { scoreRollouts } from "./score-rollout.ts";
import { needsReference } from "./step-objective.ts";
import type { TrainerState } from "./trainer-state.ts";

/**
 * Scores a batch by the reward, the filters and, where one is kept, the reference policy; with truncated importance
 * sampling also by the policy itself.
 *
 * @throws InfrastructureError when the judge failed for more rollouts than `maxInfrastructureRate` allows.
 */
export async function scoreBatch(
  reward: Reward,
  state: TrainerState,
  config: StepConfig,
  batch: UnscoredBatch,
): Promise<Batch> {
  let { rollouts } = batch;
  if (needsReference(config)) rollouts = await state.annotate(rollouts, config.temperature);
  if (config.importanceCap) rollouts = await state.annotateOld(rollouts, config.temperature);
  if (needsCritic(config)) rollouts = await (await state.critic()).annotate(rollouts);
  const judged = await scoreRollouts(reward, rollouts, batch.step);
  const greedy = batch.greedy && (await scoreRollouts(reward, batch.greedy, batch.step));
  const lost = [...judged.lost, ...(greedy?.lost ?? [])];
  // A prompt that has lost its greedy rollout has nothing that its others could be compared with.
  const compared = greedy && new Set(greedy.scored.map(({ group }) => group));
  const scored = judged.scored.filter(({ group }) => compared?.has(group) ?? true);
  const dropped = batch.dropped + rollouts.length - scored.length;
  if (lost.length && dropped / (dropped + scored.length) > config.maxInfrastructureRate)
    throw new InfrastructureError(
      `${lost.length} of ${rollouts.length} rollouts could not be judged: ${lost[0]!.message}`,
      "Nothing was trained. Mend what judges them and score the batch again.",
      lost[0],
    );
  return applyFilters({ ...batch, rollouts: scored, greedy: greedy?.scored, dropped }, config.filters);
}
