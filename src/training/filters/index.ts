import { z } from "zod";
import type { Batch, FilterMark, ScoredRollout } from "../batch.ts";
import type { FilterMetrics } from "../metrics.ts";
import { ownPart } from "../parts/named.ts";
import { type FilterFunction, OwnFilter, filter as ownFilter } from "../parts/own-filter.ts";
import { forgedOutput, forgedOutputSchema } from "./forged-output.ts";
import { overlong, overlongSchema } from "./overlong.ts";
import { repetition, repetitionSchema } from "./repetition.ts";
import type { Verdict } from "./types.ts";
import { voidTurn, voidTurnSchema } from "./void-turn.ts";
import { zeroVariance, zeroVarianceSchema } from "./zero-variance.ts";

/**
 * A filter with its options, or one of the user's own (see `filter`). `inStatistics`: whether a rollout that it masks still
 * enters the advantage statistics (its group's baseline, the whitening); if not, it is as if the rollout had not been
 * collected.
 */
export const filterSchema = z.union([
  z.discriminatedUnion("name", [zeroVarianceSchema, voidTurnSchema, forgedOutputSchema, repetitionSchema]),
  overlongSchema,
  ownPart<OwnFilter, FilterFunction>(OwnFilter, ownFilter),
]);

/** Filters in the order in which they look; each at most once. */
export const filtersSchema = z
  .array(filterSchema)
  .refine((filters) => new Set(filters.map(({ name }) => name)).size === filters.length, "a filter comes twice");

export type FilterSetting = z.output<typeof filterSchema>;

/**
 * A scored batch with what the filters say of it: marks on rollouts whose tokens leave the loss, or whose
 * reward is punished. A filter sees the rewards that those before it left.
 *
 * @returns the very batch where there is nothing to do.
 */
export function applyFilters(batch: Batch, filters: readonly FilterSetting[]): Batch {
  let { rollouts } = batch;
  for (const filter of filters) {
    const verdicts = judge(filter, rollouts);
    if (verdicts.some(Boolean)) rollouts = rollouts.map((rollout, i) => marked(rollout, filter, verdicts[i]));
  }
  return rollouts === batch.rollouts ? batch : { ...batch, rollouts };
}

function judge(filter: FilterSetting, rollouts: readonly ScoredRollout[]): Verdict[] {
  if (filter instanceof OwnFilter) return filter.judge(rollouts);
  switch (filter.name) {
    case "zeroVariance":
      return zeroVariance(rollouts, filter);
    case "voidTurn":
      return voidTurn(rollouts, filter);
    case "forgedOutput":
      return forgedOutput(rollouts, filter);
    case "overlong":
      return overlong(rollouts, filter);
    case "repetition":
      return repetition(rollouts, filter);
  }
}

function marked(rollout: ScoredRollout, filter: FilterSetting, verdict: Verdict): ScoredRollout {
  if (!verdict) return rollout;
  const { reason } = verdict;
  // One whose reward was changed counts: the advantage is how that reaches it.
  const inStatistics = !("mask" in verdict) || !("inStatistics" in filter) || filter.inStatistics;
  const mark: FilterMark =
    "mask" in verdict
      ? { filter: filter.name, reason, masked: true, inStatistics }
      : { filter: filter.name, reason, masked: false, inStatistics, penalty: verdict.penalty };
  return { ...rollout, marks: [...(rollout.marks ?? []), mark] };
}

/** Of each filter, the share of rollouts that it masked or punished. */
export function filterMetrics({ rollouts }: Batch, filters: readonly FilterSetting[]): FilterMetrics {
  return Object.fromEntries(
    filters.map((filter) => {
      const kind = "mode" in filter && filter.mode === "penalty" ? "penalised" : "filtered";
      const count = rollouts.filter(({ marks }) => marks?.some((mark) => mark.filter === filter.name)).length;
      return [`${kind}.${filter.name}`, rollouts.length ? count / rollouts.length : 0];
    }),
  );
}
