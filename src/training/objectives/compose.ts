import {
  add,
  constantMax,
  div,
  exp,
  less,
  maximum,
  mul,
  neg,
  reshape,
  sub,
  sum,
  type Tensor,
} from "../../graph/index.ts";
import { expand } from "../../graph/reduce.ts";
import { type LossFunction, type LossInputs, tokenMean } from "../../nn/index.ts";
import { type KlForm, klTerm } from "./kl.ts";
import type { PolicyLoss } from "./types.ts";

/** What decides the shape of an objective's program; everything else is an input of it. */
export interface ObjectiveShape {
  readonly loss: PolicyLoss;
  /** Add `klCoef` times this estimate of KL(policy || reference). */
  readonly kl?: KlForm;
  /** Subtract `entropyCoef` times the entropy. */
  readonly entropyBonus: boolean;
  /** Tokens are weighted by the input `tokenWeights`: any aggregation but the token mean. */
  readonly weighted: boolean;
  /** The policy loss of each token is weighted by the input `importance`: truncated importance sampling. Default false. */
  readonly importance?: boolean;
}

/** Names of inputs of shape [N] that an objective may declare. */
export const objectiveArrays = {
  advantages: "advantages",
  oldLogprobs: "oldLogprobs",
  refLogprobs: "refLogprobs",
  tokenWeights: "tokenWeights",
  selected: "selected",
  importance: "importance",
} as const;

/** Scalars that every objective takes beside its loss's settings. */
export const objectiveScalars = {
  klCoef: "klCoef",
  entropyCoef: "entropyCoef",
  maxDeviation: "maxRatioDeviation",
} as const;

/**
 * The whole objective of a step as a loss for the training program: policy loss, KL penalty and entropy bonus, weighted
 * and averaged.
 *
 * `maxRatioDeviation` is an input: a step whose largest |ratio - 1| reaches it changes nothing (an on-policy batch must
 * have ratio 1). Metrics: `kl`, the k1 estimate of KL(old || new), the mean of oldLogprob - logprob; `clipFraction`;
 * `ratioDeviation`, `ratioMax`; `refKl` with a reference.
 */
export function composeObjective(shape: ObjectiveShape): LossFunction {
  return (inputs: LossInputs) => {
    const { graph, logprobs, entropy, mask, normalizer, layout } = inputs;
    const array = (name: string) => graph.input(name, logprobs.shape);
    const scalars = new Map<string, Tensor>();
    const scalar = (name: string) => {
      const known = scalars.get(name) ?? graph.input(name, []);
      scalars.set(name, known);
      return known;
    };
    const mean = (perToken: Tensor) => tokenMean(perToken, { mask, normalizer });
    const advantages = array(objectiveArrays.advantages);
    const oldLogprobs = array(objectiveArrays.oldLogprobs);
    const logRatio = sub(logprobs, oldLogprobs);
    const ratio = exp(logRatio);
    let selection: Tensor | undefined;
    const terms = shape.loss.terms({
      logprobs,
      oldLogprobs,
      logRatio,
      ratio,
      advantages,
      mask,
      setting: scalar,
      selected: () => (selection ??= array(objectiveArrays.selected)),
      sequenceMean: (perToken) => sequenceMean(perToken, mask, layout),
    });

    let { perToken } = terms;
    if (shape.importance) perToken = mul(perToken, array(objectiveArrays.importance));
    const metrics: Record<string, Tensor> = {};
    if (shape.kl) {
      const kl = klTerm(shape.kl, logprobs, array(objectiveArrays.refLogprobs), mask);
      perToken = add(perToken, mul(scalar(objectiveScalars.klCoef), kl));
      metrics.refKl = mean(kl);
    }
    if (shape.entropyBonus) perToken = sub(perToken, mul(scalar(objectiveScalars.entropyCoef), entropy));
    const counted = shape.weighted ? mul(perToken, array(objectiveArrays.tokenWeights)) : perToken;

    const off = mul(maximum(sub(ratio, 1), sub(1, ratio)), mask);
    const ratioDeviation = reshape(constantMax(off, 0), []);
    return {
      loss: mean(counted),
      metrics: {
        ...metrics,
        kl: neg(mean(logRatio)),
        clipFraction: mean(terms.clipped),
        ratioDeviation,
        ratioMax: reshape(constantMax(mul(ratio, mask), 0), []),
      },
      perToken: { logprob: logprobs, ratio: terms.ratio ?? ratio, clipped: terms.clipped, lossTerm: perToken },
      valid: less(ratioDeviation, scalar(objectiveScalars.maxDeviation)),
    };
  };
}

function sequenceMean(perToken: Tensor, mask: Tensor, { batchSize, sequenceLength }: LossInputs["layout"]): Tensor {
  const rows = [batchSize, sequenceLength];
  const total = (x: Tensor) => sum(reshape(x, rows), { axes: [1], keepAxes: true });
  const means = div(total(mul(perToken, mask)), maximum(total(mask), 1));
  return reshape(expand(means, rows), perToken.shape);
}
