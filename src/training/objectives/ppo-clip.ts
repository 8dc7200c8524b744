/**
 * PPO with a clipped ratio (Schulman et al., arXiv:1707.06347), clip-higher (DAPO, arXiv:2503.14476) and dual clip
 * (Ye et al., arXiv:1912.09729), averaged over tokens: the objective of CIR (arXiv:2505.24480).
 *
 *   rho_t = exp(logprob_t - oldLogprob_t)
 *   L_t   = max(-A rho_t, -A clip(rho_t, 1 - low, 1 + high))
 *   L_t   = min(L_t, -A dual)                                  where A < 0
 *   loss  = sum_t M_t L_t / sum_t M_t
 *
 * `low`, `high` and `dual` are inputs of the program: changing them costs no new program. So is `maxDeviation`: a step
 * whose largest |rho - 1| reaches it changes nothing (an on-policy batch must have ratio 1). As in verl, the clip fraction
 * counts the tokens whose clipped term won (dual clip aside); kl is the k1 estimate, the mean of oldLogprob - logprob.
 */

import {
  add,
  clip,
  constantMax,
  exp,
  greater,
  less,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  sub,
  toFloat,
  where,
} from "../../graph/index.ts";
import { type LossInputs, type LossTerms, tokenMean } from "../../nn/index.ts";

/** Names of the inputs that the objective adds to the training program; shape [N] or scalar. */
export const ppoClipInputs = {
  advantages: "advantages",
  oldLogprobs: "oldLogprobs",
  low: "clipRatioLow",
  high: "clipRatioHigh",
  dual: "clipRatioDual",
  maxDeviation: "maxRatioDeviation",
} as const;

export function ppoClip({ graph, logprobs, mask, normalizer }: LossInputs): LossTerms {
  const shape = logprobs.shape;
  const advantages = graph.input(ppoClipInputs.advantages, shape);
  const oldLogprobs = graph.input(ppoClipInputs.oldLogprobs, shape);
  const low = graph.input(ppoClipInputs.low, []);
  const high = graph.input(ppoClipInputs.high, []);
  const dual = graph.input(ppoClipInputs.dual, []);
  const maxDeviation = graph.input(ppoClipInputs.maxDeviation, []);

  const mean = (perToken: typeof logprobs) => tokenMean(perToken, { mask, normalizer });
  const logRatio = sub(logprobs, oldLogprobs);
  const ratio = exp(logRatio);
  const plain = neg(mul(advantages, ratio));
  const clipped = neg(mul(advantages, clip(ratio, sub(1, low), add(1, high))));
  const pessimistic = maximum(plain, clipped);
  const bounded = minimum(pessimistic, neg(mul(advantages, dual)));
  const perToken = where(less(advantages, 0), bounded, pessimistic);

  const off = mul(maximum(sub(ratio, 1), sub(1, ratio)), mask);
  const ratioDeviation = reshape(constantMax(off, 0), []);
  return {
    loss: mean(perToken),
    metrics: {
      kl: neg(mean(logRatio)),
      clipFraction: mean(toFloat(greater(clipped, plain))),
      ratioDeviation,
    },
    perToken: { ratio, clipped: toFloat(greater(clipped, plain)), lossTerm: perToken },
    valid: less(ratioDeviation, maxDeviation),
  };
}
