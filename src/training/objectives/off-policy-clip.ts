/**
 * Off-policy clipped objective (AutoCode, arXiv:2502.00691, after a secondary description of it): the clipped ratio alone,
 * without the minimum. Tokens outside the limits have no gradient, whichever way the advantage points, so stored rollouts
 * can be learnt from.
 *
 *   L_t = -A clip(rho_t, 1 - low, 1 + high)
 *
 * The paper's limits are not published.
 */

import { add, clip, equal, mul, neg, sub, toFloat } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const offPolicyClip: PolicyLoss = {
  settings: ["clipRatioLow", "clipRatioHigh"],
  terms({ ratio, advantages, setting }) {
    const limited = clip(ratio, sub(1, setting("clipRatioLow")), add(1, setting("clipRatioHigh")));
    return { perToken: neg(mul(advantages, limited)), clipped: sub(1, toFloat(equal(limited, ratio))) };
  },
};
