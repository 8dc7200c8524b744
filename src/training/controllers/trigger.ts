/**
 * A setting that a metric moves: from each value to the next when the metric's mean over the last `for` steps passes the
 * limit. Only steps taken at the present value count, so that a value holds for at least `for` steps; a step without the
 * metric does not count. A mean rather than steps in a row, because the figures of single small batches are noisy.
 */

import { z } from "zod";
import { formatNumber } from "../../display/index.ts";
import { metricName } from "../metric-name.ts";
import type { Outcome } from "./types.ts";

/** The schema of such a setting: each of its values must satisfy `value`. */
export const triggeredOf = (value: z.ZodNumber) =>
  z.strictObject({
    /** The values in their order; the last one stays. */
    values: z.array(value).min(2, "a trigger needs at least two values to move between").readonly(),
    when: z
      .strictObject({
        metric: metricName,
        above: z.number().optional(),
        below: z.number().optional(),
        /** Steps that the mean is taken over. Default 1. */
        for: z.int().positive().default(1),
        /** Steps that a value is held at least. Default 0. */
        minSteps: z.int().nonnegative().default(0),
      })
      .refine(({ above, below }) => (above === undefined) !== (below === undefined), "give either above or below"),
  });

export type Triggered = z.output<ReturnType<typeof triggeredOf>>;

export const triggerStateSchema = z.strictObject({
  kind: z.literal("trigger"),
  of: z.string(),
  /** Which value holds. */
  index: z.int().nonnegative(),
  /** Steps taken when it began to. */
  since: z.int().nonnegative(),
  /** The metric in the last steps at this value: at most `for` of them. */
  recent: z.array(z.number()),
});

export type TriggerState = z.infer<typeof triggerStateSchema>;

/** The state after a step. */
export function lookTrigger(
  { values, when }: Triggered,
  of: string,
  state: TriggerState | undefined,
  { step, metrics }: Outcome,
): TriggerState {
  const { index, since, recent } = state ?? { index: 0, since: step - 1, recent: [] };
  const value = metrics[when.metric];
  const counts = value !== undefined && Number.isFinite(value) && index < values.length - 1;
  const seen = counts ? [...recent, value].slice(-when.for) : recent;
  const isDue = seen.length === when.for && step - since >= when.minSteps;
  if (!counts || !isDue || !isBeyond(when, mean(seen))) return { kind: "trigger", of, index, since, recent: seen };
  return { kind: "trigger", of, index: index + 1, since: step, recent: [] };
}

const isBeyond = ({ above, below }: Triggered["when"], value: number): boolean =>
  above !== undefined ? value > above : value < below!;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Why a trigger fired, in words. */
export function triggerReason({ when }: Triggered, before: TriggerState | undefined, { metrics }: Outcome): string {
  const { metric, above, below } = when;
  const seen = mean([...(before?.recent ?? []), metrics[metric]!].slice(-when.for));
  const over = when.for > 1 ? ` on average over ${when.for} steps` : "";
  return `${metric} was ${formatNumber(seen)}${over}, ${above !== undefined ? `above ${above}` : `below ${below}`}`;
}
