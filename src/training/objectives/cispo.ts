/**
 * CISPO, clipped importance-sampling weights (MiniMax-M1, arXiv:2506.13585): the weight is clipped, the gradient of no
 * token is lost.
 *
 *   L_t = -sg(clip(rho_t, 1 - low, 1 + high)) A logprob_t
 *
 * The paper sets no lower limit in effect: clipRatioLow 1.
 */

import { add, clip, equal, mul, neg, stopGradient, sub, toFloat } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const cispo: PolicyLoss = {
  settings: ["clipRatioLow", "clipRatioHigh"],
  terms({ logprobs, ratio, advantages, setting }) {
    const weight = stopGradient(clip(ratio, sub(1, setting("clipRatioLow")), add(1, setting("clipRatioHigh"))));
    return {
      perToken: neg(mul(weight, mul(advantages, logprobs))),
      clipped: sub(1, toFloat(equal(weight, ratio))),
    };
  },
};
