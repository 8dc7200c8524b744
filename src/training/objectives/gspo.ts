/**
 * GSPO, group sequence policy optimisation (Zheng et al., arXiv:2507.18071): one ratio for each sequence, of mean length.
 *
 *   s_i     = exp(mean over i's trained tokens of logprob - oldLogprob)
 *   s_{i,t} = sg(s_i) · pi_t / sg(pi_t)                        so that each token gets its own gradient
 *   L_t     = max(-A s, -A clip(s, 1 - low, 1 + high))
 *
 * The paper's limits are 3e-4 and 4e-4, and its aggregation is "seq-mean-token-mean".
 */

import { add, clip, exp, greater, maximum, mul, neg, stopGradient, sub, toFloat } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const gspo: PolicyLoss = {
  settings: ["clipRatioLow", "clipRatioHigh"],
  terms({ logprobs, logRatio, advantages, setting, sequenceMean }) {
    const sequence = stopGradient(sequenceMean(logRatio));
    const ratio = exp(add(sequence, sub(logprobs, stopGradient(logprobs))));
    const plain = neg(mul(advantages, ratio));
    const limited = clip(ratio, sub(1, setting("clipRatioLow")), add(1, setting("clipRatioHigh")));
    const clipped = neg(mul(advantages, limited));
    return { perToken: maximum(plain, clipped), clipped: toFloat(greater(clipped, plain)), ratio };
  },
};
