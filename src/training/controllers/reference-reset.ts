/**
 * When the reference policy moves. A KL penalty holds the policy near its reference, which in a long run comes to hold it
 * back.
 *
 * - `"fixed"`: the policy as it was when the penalty was first needed;
 * - `{ reset: { every } }`: the reference becomes the policy after every so many steps;
 * - `{ reset: { onPlateau: { metric, patience, minDelta } } }`: it does so when the metric, which should rise, has not been
 *   more than `minDelta` above its best since the last reset for `patience` steps (ProRL resets when validation stalls);
 * - `{ ema }`: after every step, reference' = ema · reference + (1 - ema) · policy (TR-DPO's soft update).
 *
 * A reset also clears the optimizer's moments unless `resetOptimizer` is false (ProRL, arXiv:2505.24864), and repeats the
 * warm-up: Adam's first steps without moments are as long as the learning rate allows, whatever the gradient. Where no
 * reference is kept because klCoef is 0, only that is done. A guard that goes back to earlier weights leaves the reference
 * where it is.
 */

import { z } from "zod";
import { formatNumber } from "../../display/index.ts";
import { metricName } from "../metric-name.ts";
import type { Outcome } from "./types.ts";

const everySchema = z.strictObject({ every: z.int().positive() });
const plateauSchema = z.strictObject({
  onPlateau: z.strictObject({
    metric: metricName,
    /** Steps without a better value. */
    patience: z.int().positive(),
    /** What counts as better. Default 0. */
    minDelta: z.number().nonnegative().default(0),
  }),
});

export const referenceSchema = z.union([
  z.literal("fixed"),
  z.strictObject({ reset: z.union([everySchema, plateauSchema]), resetOptimizer: z.boolean().default(true) }),
  z.strictObject({ ema: z.number().gt(0).lt(1) }),
]);

export type ReferenceSetting = z.output<typeof referenceSchema>;

export const plateauStateSchema = z.strictObject({
  kind: z.literal("plateau"),
  of: z.string(),
  /** The best value since the last reset. */
  best: z.number(),
  /** Steps taken when it was seen. */
  since: z.int().nonnegative(),
});

/** When the optimizer was reset. */
export const restartStateSchema = z.strictObject({
  kind: z.literal("restart"),
  of: z.string(),
  /** Steps taken before the last reset. */
  step: z.int().nonnegative(),
});

export type PlateauState = z.infer<typeof plateauStateSchema>;

/**
 * Whether the reference is to be reset after a step.
 *
 * @returns why, where it is, and what to remember.
 */
export function lookReset(
  setting: ReferenceSetting,
  of: string,
  state: PlateauState | undefined,
  { step, metrics }: Outcome,
): { readonly reason?: string; readonly state?: PlateauState } {
  if (setting === "fixed" || "ema" in setting) return {};
  const { reset } = setting;
  if ("every" in reset) return step % reset.every === 0 ? { reason: `every ${reset.every} steps` } : {};
  const { metric, patience, minDelta } = reset.onPlateau;
  const value = metrics[metric];
  if (value === undefined || !Number.isFinite(value)) return state ? { state } : {};
  if (!state || value > state.best + minDelta) return { state: { kind: "plateau", of, best: value, since: step } };
  if (step - state.since < patience) return { state };
  return { reason: `${metric} has not been above ${formatNumber(state.best + minDelta)} for ${patience} steps` };
}
