import { z } from "zod";
import { metricName } from "../metric-name.ts";
import { ownPart } from "../parts/named.ts";
import { type GuardFunction, OwnGuard, guard as ownGuard } from "../parts/own-guard.ts";
import { guardLimits, hasOneLimit } from "./limits.ts";
import type { GuardState } from "./types.ts";

/** Metrics that an update measures; all others are known before it. */
export const updateMetrics: readonly string[] = [
  "loss",
  "gradNorm",
  "entropy",
  "kl",
  "refKl",
  "clipFraction",
  "ratioDeviation",
  "ratioMax",
  "importanceMean",
  "importanceMax",
  "importanceTruncated",
  "tokens",
  "skipped",
  "klStopped",
];

/** Whether a metric is known before the update. */
export const isKnownBefore = (metric: string): boolean => !updateMetrics.includes(metric);

/** Whether a guard looks before the update. */
export const isEarly = (guard: Guard): boolean =>
  guard instanceof OwnGuard ? guard.action === "skip" : isKnownBefore(guard.metric);

/**
 * A watch over one metric of the steps. Exactly one limit: `above`, `below`, or `zScore`: deviations from the mean of the
 * last `window` steps, upwards if positive and downwards if negative.
 */
export const guardSchema = z
  .strictObject({
    metric: metricName,
    ...guardLimits,
  })
  .superRefine((guard, context) => {
    const { metric, action } = guard;
    const problem = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (!hasOneLimit(guard)) problem("metric", `the guard of ${metric} needs exactly one of above, below and zScore`);
    if (action === "skip" && metric !== "gradNorm" && !isKnownBefore(metric))
      problem("action", `${metric} is known only after the update, which cannot be skipped then; use rollback`);
  });

/** A guard over a metric, or one of the user's own over a figure that it computes. */
export type Guard = z.output<typeof guardSchema> | OwnGuard;
export type GuardSettings = z.input<typeof guardSchema> | OwnGuard | GuardFunction;

/** Guards of a run; no two with the same metric and limit. */
export const guardsSchema = z
  .array(z.union([guardSchema, ownPart<OwnGuard, GuardFunction>(OwnGuard, ownGuard)]))
  .refine(
    (guards) => new Set(guards.map(guardName)).size === guards.length,
    "two guards have the same metric and limit",
  );

/** A guard in words: its metric and limit. */
export function guardName({ metric, above, below, zScore, window }: Guard): string {
  if (above !== undefined) return `${metric} above ${above}`;
  if (below !== undefined) return `${metric} below ${below}`;
  return `${metric} ${zScore! > 0 ? "above" : "below"} ${zScore} deviations of the last ${window} steps`;
}

export const freshState: GuardState = { recent: [], streak: 0 };

/** A deviation counts as at least this share of the mean: a flat series must not make noise an alarm. */
const leastDeviation = 0.01;
const tiny = 1e-8;
/**
 * Outliers enter a window cut to so many deviations. At a limit of six, one that entered whole would make the deviation
 * 1.7 times as large, and the second of two in a row would pass unseen.
 */
const rememberedDeviations = 3;

/** Mean of a full window, and how far from it the limit of a z-score lies. */
function spread({ zScore, window }: Guard, { recent }: GuardState): { mean: number; distance: number } | undefined {
  if (zScore === undefined || recent.length < window) return undefined;
  const mean = recent.reduce((sum, value) => sum + value, 0) / window;
  const variance = recent.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (window - 1);
  const deviation = Math.max(Math.sqrt(variance), leastDeviation * Math.abs(mean), tiny);
  return { mean, distance: Math.abs(zScore) * deviation };
}

/** The value that the metric may not pass in the next step; undefined while a z-score's window is not full. */
export function limitOf(guard: Guard, state: GuardState): number | undefined {
  if (guard.above !== undefined) return guard.above;
  if (guard.below !== undefined) return guard.below;
  const seen = spread(guard, state);
  return seen && (isUpper(guard) ? seen.mean + seen.distance : seen.mean - seen.distance);
}

/** Whether the limit is an upper one. */
export const isUpper = ({ above, zScore }: Guard): boolean => above !== undefined || (zScore ?? 0) > 0;

/**
 * A guard's look at the next value.
 *
 * @returns whether the limit was passed often enough in a row, which limit that was, and what to remember. An outlier
 * of either side enters the window cut: one spike hardly widens it, a lasting change becomes the new normal.
 */
export function look(
  guard: Guard,
  state: GuardState,
  value: number,
): { readonly fires: boolean; readonly limit: number | undefined; readonly state: GuardState } {
  const limit = limitOf(guard, state);
  const isBeyond = (limit !== undefined && (isUpper(guard) ? value > limit : value < limit)) || !Number.isFinite(value);
  const streak = isBeyond ? state.streak + 1 : 0;
  // An alert is told once, when the limit is first passed for long enough, and again after the metric was within it.
  const isTold = guard.action === "alert" && Number.isFinite(value) && streak > guard.patience;
  return {
    fires: streak >= guard.patience && !isTold,
    limit,
    state: { recent: remembered(guard, state, value), streak },
  };
}

function remembered(guard: Guard, state: GuardState, value: number): readonly number[] {
  if (guard.zScore === undefined || !Number.isFinite(value)) return state.recent;
  const seen = spread(guard, state);
  if (!seen) return [...state.recent, value].slice(-guard.window);
  const most = seen.distance * Math.min(1, rememberedDeviations / Math.abs(guard.zScore));
  const counted = Math.min(Math.max(value, seen.mean - most), seen.mean + most);
  return [...state.recent, counted].slice(-guard.window);
}
