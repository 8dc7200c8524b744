/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290), with label smoothing ("conservative DPO",
 * Mitchell 2023: a share epsilon of the preferences is taken to be the wrong way round).
 *
 *   r(y)   = beta (log pi(y | x) - log ref(y | x)), sums over the trained tokens of y
 *   margin = r(chosen) - r(rejected)
 *   loss   = mean over pairs of -(1 - epsilon) log sigmoid(margin) - epsilon log sigmoid(-margin)
 *
 * TRL's sigmoid loss. What no policy sampled (tool outputs, forced tokens) is in neither sum.
 */

import {
  add,
  exp,
  greater,
  log,
  mul,
  neg,
  reshape,
  split,
  sub,
  sum,
  type Tensor,
  toFloat,
  where,
} from "../../graph/index.ts";
import type { LossInputs, LossTerms } from "../../nn/index.ts";

/** Names of the inputs that the loss declares. P pairs are 2 P rows: a chosen one, then its rejected one, and so on. */
export const dpoInputs = {
  /** [2 P] log-probs of the rows' trained tokens under the reference, summed. */
  refLogprobs: "refLogprobs",
  /** [P] what each pair counts; 0 for padding. They add up to 1. */
  pairWeights: "pairWeights",
  beta: "beta",
  labelSmoothing: "labelSmoothing",
} as const;

/** Metrics: `rewardChosen`, `rewardRejected` and `rewardMargin` (means over pairs), `rewardAccuracy` (share of margins above 0). */
export function dpoLoss({ graph, logprobs, mask, layout }: LossInputs): LossTerms {
  const { batchSize, sequenceLength } = layout;
  const pairs = batchSize / 2;
  const beta = graph.input(dpoInputs.beta, []);
  const smoothing = graph.input(dpoInputs.labelSmoothing, []);
  const weights = graph.input(dpoInputs.pairWeights, [pairs]);
  const own = sum(reshape(mul(logprobs, mask), [batchSize, sequenceLength]), { axes: [1] });
  const rewards = mul(sub(own, graph.input(dpoInputs.refLogprobs, [batchSize])), beta);
  const [chosen, rejected] = split(reshape(rewards, [pairs, 2]), 1, [1, 1]).map((part) => reshape(part, [pairs])) as [
    Tensor,
    Tensor,
  ];
  const margin = sub(chosen, rejected);
  const perPair = add(mul(softplus(neg(margin)), sub(1, smoothing)), mul(softplus(margin), smoothing));
  const mean = (values: Tensor) => sum(mul(values, weights));
  return {
    loss: mean(perPair),
    metrics: {
      rewardChosen: mean(chosen),
      rewardRejected: mean(rejected),
      rewardMargin: mean(margin),
      rewardAccuracy: mean(toFloat(greater(margin, 0))),
    },
  };
}

/** log(1 + e^x) = -log sigmoid(-x) without overflow; both parts take the same side at 0, where training begins. */
function softplus(x: Tensor): Tensor {
  const isPositive = greater(x, 0);
  return add(where(isPositive, x, 0), log(add(exp(where(isPositive, neg(x), x)), 1)));
}
