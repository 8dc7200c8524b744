/**
 * Adaptive coefficient of the KL penalty (Ziegler et al. 2019, arXiv:1909.08593, section 2.2): a proportional controller in
 * log space that keeps KL(policy || reference) near a target.
 *
 *   e     = clip(KL / target - 1, -0.2, 0.2)
 *   beta' = beta · (1 + e · n / horizon)                       n: rollouts of the step
 *
 * The paper's gain of 0.1 per batch is n / horizon, as in verl and in TRL's PPO; their horizon is 10,000 rollouts. KL is the
 * step's `refKl`: nats per trained token by `klForm` (the paper's target of 6 to 10 nats is per response), measured where the
 * penalty is: during the update if it is in the loss, on the tokens as they were sampled if it is in the reward.
 */

import { z } from "zod";
import type { Outcome } from "./types.ts";

export const adaptiveKlSchema = z.strictObject({
  adaptive: z.strictObject({
    /** The coefficient in the first step. */
    initial: z.number().positive(),
    /** KL to keep to, in nats per trained token. */
    target: z.number().positive(),
    /** Rollouts over which a KL of 1.2 times the target raises the coefficient by about a fifth. */
    horizon: z.number().positive(),
  }),
});

export type AdaptiveKl = z.output<typeof adaptiveKlSchema>;

export const klStateSchema = z.strictObject({ kind: z.literal("kl"), of: z.string(), value: z.number().positive() });

export type KlState = z.infer<typeof klStateSchema>;

const largestError = 0.2;
/** The coefficient stays within them, so that it can come back from wherever a long run has taken it. */
const [smallest, largest] = [1e-9, 1e9];

/** The state after a step; one without a measured KL changes nothing. */
export function lookKl(
  { adaptive: { initial, target, horizon } }: AdaptiveKl,
  of: string,
  state: KlState | undefined,
  { metrics, rollouts }: Outcome,
): KlState {
  const value = state?.value ?? initial;
  const kl = metrics.refKl;
  if (kl === undefined || !Number.isFinite(kl)) return { kind: "kl", of, value };
  const error = Math.min(Math.max(kl / target - 1, -largestError), largestError);
  // A step of more rollouts than the horizon must not make the coefficient negative.
  const next = value * (1 + error * Math.min(1, rollouts / horizon));
  return { kind: "kl", of, value: Math.min(Math.max(next, smallest), largest) };
}
