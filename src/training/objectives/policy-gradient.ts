/**
 * Plain policy gradient (Williams 1992; GPG, arXiv:2504.02546): no ratio, no clip.
 *
 *   L_t = -A logprob_t
 */

import { greater, mul, neg, toFloat } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const policyGradient: PolicyLoss = {
  settings: [],
  terms: ({ logprobs, advantages, mask }) => ({
    perToken: neg(mul(advantages, logprobs)),
    clipped: toFloat(greater(mask, 1)),
  }),
};
