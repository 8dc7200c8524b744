/**
 * Cross-entropy of the next token, averaged over trained tokens: the objective of supervised training.
 *
 *   loss = - sum_t M_t logprob_t / sum_t M_t
 */

import { neg } from "../../graph/index.ts";
import { type LossInputs, type LossTerms, tokenMean } from "../../nn/index.ts";

export function crossEntropy(inputs: LossInputs): LossTerms {
  return { loss: neg(tokenMean(inputs.logprobs, inputs)) };
}
