import type { Batch, ScoredRollout } from "../batch.ts";
import type { FilterSetting } from "./index.ts";

/**
 * DAPO's dynamic sampling: collects further prompts in place of those whose rollouts all got the same reward, as many
 * as are missing, `maxRefills` times at most. Where prompts are still missing after that, the earliest of those without
 * variance fill the batch, masked as the filter says. Which prompts come depends on the step and the round alone.
 *
 * @param batch filtered.
 * @param collect a round of `prompts` further prompts, scored and filtered; rounds count from 1.
 */
export async function refill(
  batch: Batch,
  filters: readonly FilterSetting[],
  collect: (round: number, prompts: number) => Promise<Batch>,
): Promise<Batch> {
  const filter = filters.find((one) => "maxRefills" in one);
  if (!filter?.maxRefills) return batch;
  const wanted = groupsOf(batch.rollouts).size;
  const parts = [batch];
  const teaching = () => parts.reduce((sum, { rollouts }) => sum + teachingGroups(rollouts).size, 0);
  let round = 0;
  while (round < filter.maxRefills && teaching() < wanted) {
    round++;
    parts.push(await collect(round, wanted - teaching()));
  }
  const collected = parts.flatMap(({ rollouts }) => rollouts);
  const good = teachingGroups(collected);
  const chosen = new Set([...good, ...[...groupsOf(collected)].filter((group) => !good.has(group))].slice(0, wanted));
  const inBatch = ({ group }: { group: number }) => chosen.has(group);
  const greedy = parts.flatMap((part) => part.greedy ?? []).filter(inBatch);
  return {
    ...batch,
    rollouts: collected.filter(inBatch),
    ...(batch.greedy && { greedy }),
    dropped: parts.reduce((sum, part) => sum + part.dropped, 0),
    refill: {
      rounds: round,
      discardedPrompts: groupsOf(collected).size - chosen.size,
      collectedAccuracy: collected.filter(({ reward }) => reward.correct).length / Math.max(1, collected.length),
    },
  };
}

const groupsOf = (rollouts: readonly ScoredRollout[]): Set<number> => new Set(rollouts.map(({ group }) => group));

const teachingGroups = (rollouts: readonly ScoredRollout[]): Set<number> =>
  groupsOf(rollouts.filter(({ marks }) => !marks?.some(({ filter }) => filter === "zeroVariance")));
