/**
 * Adaptive coefficient of the entropy bonus (Skywork-OR1, He et al. 2025, arXiv:2505.22312): the bonus is there only while
 * entropy is low, and grows for as long as it stays so.
 *
 *   c'    = c + delta   where e < target
 *   c'    = c - delta   where e > target                       within [min, max]
 *   alpha = c where e <= target, else 0
 *
 * The paper takes e, the entropy of the policy, from the step's own rollouts before it updates; ours is that of the step
 * before, as its update measured it. The limits min and max are ours.
 */

import { z } from "zod";
import type { Outcome } from "./types.ts";

export const adaptiveEntropySchema = z
  .strictObject({
    adaptive: z.strictObject({
      /** The coefficient in the first step. */
      initial: z.number().nonnegative(),
      /** Entropy to keep, in nats per trained token. */
      target: z.number().positive(),
      /** What a step adds or takes away. */
      delta: z.number().positive(),
      min: z.number().nonnegative().default(0),
      max: z.number().positive().default(1),
    }),
  })
  .refine(
    ({ adaptive: { initial, min, max } }) => min <= initial && initial <= max,
    "it must hold that min <= initial <= max",
  );

export type AdaptiveEntropy = z.output<typeof adaptiveEntropySchema>;

export const entropyStateSchema = z.strictObject({
  kind: z.literal("entropy"),
  of: z.string(),
  /** c. */
  coefficient: z.number().nonnegative(),
  /** alpha. */
  value: z.number().nonnegative(),
});

export type EntropyState = z.infer<typeof entropyStateSchema>;

/** The state after a step; one without a measured entropy changes nothing. */
export function lookEntropy(
  { adaptive: { initial, target, delta, min, max } }: AdaptiveEntropy,
  of: string,
  state: EntropyState | undefined,
  { metrics }: Outcome,
): EntropyState {
  const before = state ?? { kind: "entropy", of, coefficient: initial, value: initial };
  const { entropy } = metrics;
  if (entropy === undefined || !Number.isFinite(entropy)) return before;
  const coefficient = Math.min(Math.max(before.coefficient + delta * Math.sign(target - entropy), min), max);
  return { kind: "entropy", of, coefficient, value: entropy <= target ? coefficient : 0 };
}
