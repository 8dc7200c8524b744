/**
 * PPO with a clipped ratio (Schulman et al., arXiv:1707.06347), clip-higher (DAPO, arXiv:2503.14476) and dual clip
 * (Ye et al., arXiv:1912.09729): the objective of CIR (arXiv:2505.24480).
 *
 *   rho_t = exp(logprob_t - oldLogprob_t)
 *   L_t   = max(-A rho_t, -A clip(rho_t, 1 - low, 1 + high))
 *   L_t   = min(L_t, -A dual)                                  where A < 0
 *
 * As in verl, the clip fraction counts the tokens whose clipped term won (dual clip aside).
 */

import { add, clip, greater, less, maximum, minimum, mul, neg, sub, toFloat, where } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const ppoClip: PolicyLoss = {
  settings: ["clipRatioLow", "clipRatioHigh", "clipRatioDual"],
  terms({ ratio, advantages, setting }) {
    const low = setting("clipRatioLow");
    const high = setting("clipRatioHigh");
    const plain = neg(mul(advantages, ratio));
    const clipped = neg(mul(advantages, clip(ratio, sub(1, low), add(1, high))));
    const pessimistic = maximum(plain, clipped);
    const bounded = minimum(pessimistic, neg(mul(advantages, setting("clipRatioDual"))));
    return {
      perToken: where(less(advantages, 0), bounded, pessimistic),
      clipped: toFloat(greater(clipped, plain)),
    };
  },
};
