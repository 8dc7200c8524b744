/**
 * SAPO, soft adaptive policy optimisation (arXiv:2511.20347): a smooth gate in place of the clip.
 *
 *   f(rho) = 4 / tau · sigmoid(tau (rho - 1))                  tau: sapoTauPositive where A > 0, else sapoTauNegative
 *   L_t    = -f(rho_t) A
 *
 * The paper's temperatures are 1.0 and 1.05, its aggregation "seq-mean-token-mean". Nothing is clipped: the fraction
 * counts the tokens whose gradient is less than half of what it is at ratio 1.
 */

import { div, greater, less, mul, neg, sigmoid, sub, toFloat, where } from "../../graph/index.ts";
import type { PolicyLoss } from "./types.ts";

export const sapo: PolicyLoss = {
  settings: ["sapoTauPositive", "sapoTauNegative"],
  terms({ ratio, advantages, setting }) {
    const tau = where(greater(advantages, 0), setting("sapoTauPositive"), setting("sapoTauNegative"));
    const gate = sigmoid(mul(tau, sub(ratio, 1)));
    // The gate's slope is 4 gate (1 - gate): 1 at ratio 1.
    const slope = mul(4, mul(gate, sub(1, gate)));
    return { perToken: neg(mul(advantages, div(mul(4, gate), tau))), clipped: toFloat(less(slope, 0.5)) };
  },
};
