/**
 * Clip-Cov (Cui et al., arXiv:2505.22617): PPO clip in which a few tokens of high covariance, drawn at random, have no
 * gradient, because such tokens make the entropy collapse.
 *
 *   cov_t = (A_t - mean A) (logprob_t - mean logprob)
 *   drawn: covRatio of the trained tokens (at least one), among those with covLow < cov_t < covHigh
 *   L_t   = 0 where drawn, else max(-A rho, -A clip(rho, 1 - low, 1 + high))
 *
 * The paper: ratio 2e-4, limits 1 and 5, clip 1. We take the log-probs of when the tokens were sampled (equal in the first
 * mini-batch of a step), so that the choice is made before the program runs.
 */

import { add, clip, greater, maximum, mul, neg, sub, toFloat } from "../../graph/index.ts";
import { marked, tokenCovariances } from "./covariance.ts";
import type { PolicyLoss } from "./types.ts";

export const clipCov: PolicyLoss = {
  settings: ["clipRatioLow", "clipRatioHigh"],
  selectionSettings: ["covRatio", "covLow", "covHigh"],
  terms({ ratio, advantages, setting, selected }) {
    const plain = neg(mul(advantages, ratio));
    const clipped = neg(
      mul(advantages, clip(ratio, sub(1, setting("clipRatioLow")), add(1, setting("clipRatioHigh")))),
    );
    const kept = sub(1, selected());
    const won = toFloat(greater(clipped, plain));
    return { perToken: mul(maximum(plain, clipped), kept), clipped: maximum(won, selected()) };
  },
  select(tokens, { covRatio, covLow, covHigh }) {
    const all = tokenCovariances(tokens);
    const candidates = all.filter(({ value }) => value > covLow! && value < covHigh!).map(({ index }) => index);
    const count = Math.min(candidates.length, Math.max(1, Math.floor(covRatio! * all.length)));
    const drawn: number[] = [];
    while (drawn.length < count) {
      const at = Math.floor(tokens.random() * candidates.length);
      drawn.push(candidates[at]!);
      candidates[at] = candidates.at(-1)!;
      candidates.pop();
    }
    return marked(tokens.mask.length, drawn);
  },
};
