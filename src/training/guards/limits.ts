import { z } from "zod";
import { guardActions } from "./types.ts";

/** What every guard says beside its figure. */
export const guardLimits = {
  above: z.number().optional(),
  below: z.number().optional(),
  zScore: z
    .number()
    .refine((limit) => limit !== 0, "it must not be 0")
    .optional(),
  /** Steps that a z-score looks back on; it judges nothing before it has seen that many. Default 20. */
  window: z.int().min(2).default(20),
  /**
   * `alert`: recorded and shown, once until the metric has been within its limit again. `pause`: the training ends after
   * the step. `skip`: the step changes no weights; only for what is known before the update, and `gradNorm`. `rollback`:
   * back to the last good weights.
   */
  action: z.enum(guardActions).default("alert"),
  /** Steps in a row that must pass the limit before anything happens. */
  patience: z.int().positive().default(1),
  /** Why this limit. */
  reason: z.string().optional(),
};

/** Whether one limit is given, and no other beside it. */
export const hasOneLimit = ({ above, below, zScore }: { above?: number; below?: number; zScore?: number }): boolean =>
  [above, below, zScore].filter((limit) => limit !== undefined).length === 1;
