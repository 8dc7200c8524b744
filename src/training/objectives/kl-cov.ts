/**
 * KL-Cov (Cui et al., arXiv:2505.22617): the unclipped objective, with a KL penalty on the tokens of highest covariance.
 *
 *   cov_t = (A_t - mean A) (logprob_t - mean logprob)
 *   L_t   = -A rho_t + covKlCoef |logprob_t - oldLogprob_t|    for the covRatio of trained tokens with the largest cov_t
 *   L_t   = -A rho_t                                           elsewhere
 *
 * The paper: ratio 2e-4 to 2e-3, coefficient 1. As for Clip-Cov, the log-probs of when the tokens were sampled decide.
 */

import { add, maximum, mul, neg } from "../../graph/index.ts";
import { marked, tokenCovariances } from "./covariance.ts";
import type { PolicyLoss } from "./types.ts";

export const klCov: PolicyLoss = {
  settings: ["covKlCoef"],
  selectionSettings: ["covRatio"],
  terms({ ratio, logRatio, advantages, setting, selected }) {
    const distance = maximum(logRatio, neg(logRatio));
    const penalty = mul(selected(), mul(setting("covKlCoef"), distance));
    return { perToken: add(neg(mul(advantages, ratio)), penalty), clipped: selected() };
  },
  select(tokens, { covRatio }) {
    const all = tokenCovariances(tokens);
    const count = Math.min(all.length, Math.max(1, Math.floor(covRatio! * all.length)));
    const largest = all.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, count);
    return marked(
      tokens.mask.length,
      largest.map(({ index }) => index),
    );
  },
};
