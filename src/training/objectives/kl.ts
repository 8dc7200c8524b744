/**
 * Estimates of KL(policy || reference) from sampled tokens (Schulman 2020, "Approximating KL divergence").
 *
 *   d  = logprob - refLogprob
 *   k1 = d                       unbiased, may be negative
 *   k2 = d² / 2                  biased, low variance; its gradient is the right one
 *   k3 = exp(-d) + d - 1         unbiased, never negative (GRPO's)
 */

import { add, exp, mul, neg, sub, type Tensor } from "../../graph/index.ts";

export const klForms = ["k1", "k2", "k3"] as const;
export type KlForm = (typeof klForms)[number];

/**
 * The estimate for each token as a graph; 0 where `mask` is 0: nothing is known there of how likely the reference finds the
 * token, and k3 of a very unlikely one would be infinite.
 */
export function klTerm(form: KlForm, logprobs: Tensor, refLogprobs: Tensor, mask: Tensor): Tensor {
  const d = mul(sub(logprobs, refLogprobs), mask);
  if (form === "k1") return d;
  if (form === "k2") return mul(0.5, mul(d, d));
  return sub(add(exp(neg(d)), d), 1);
}

/** The same for two numbers. */
export function klEstimate(form: KlForm, logprob: number, refLogprob: number): number {
  const d = logprob - refLogprob;
  if (form === "k1") return d;
  if (form === "k2") return (d * d) / 2;
  return Math.exp(-d) + d - 1;
}
