/**
 * Overlong rollouts, both ways of DAPO (arXiv:2503.14476, section 3.4). "mask": a rollout that the limit cut leaves the
 * loss. "penalty": a soft punishment on top of the reward, over the last `buffer` tokens before the limit:
 *
 *   0                                  L <= Lmax - buffer
 *   ((Lmax - buffer) - L) / buffer     up to Lmax                   times factor
 *   -1                                 beyond
 *
 * Lengths are counted with the prompt, as `maxLength` is; with one prompt's length taken off both L and Lmax the formula is
 * the paper's, which counts the response.
 */

import { z } from "zod";
import { isTruncated } from "../rollout-traits.ts";
import type { Judge } from "./types.ts";

export const overlongSchema = z.discriminatedUnion("mode", [
  z.strictObject({ name: z.literal("overlong"), mode: z.literal("mask"), inStatistics: z.boolean().default(true) }),
  z.strictObject({
    name: z.literal("overlong"),
    mode: z.literal("penalty"),
    /** Tokens over which the punishment grows. */
    buffer: z.int().positive(),
    /** The largest punishment. */
    factor: z.number().positive().default(1),
  }),
]);

/** The punishment of a length: 0 to `-factor`. */
export function softOverlong(
  length: number,
  { maxLength, buffer, factor = 1 }: { maxLength: number; buffer: number; factor?: number },
): number {
  const over = length - (maxLength - buffer);
  return over <= 0 ? 0 : -Math.min(1, over / buffer) * factor;
}

export const overlong: Judge<z.output<typeof overlongSchema>> = (rollouts, options) =>
  rollouts.map((rollout) => {
    const { length, limits } = rollout.trajectory;
    if (options.mode === "mask")
      return isTruncated(rollout) ? { mask: true, reason: `cut at ${limits.maxLength} tokens` } : undefined;
    const penalty = softOverlong(length, { ...options, maxLength: limits.maxLength });
    return penalty ? { penalty, reason: `${length} of ${limits.maxLength} tokens` } : undefined;
  });
