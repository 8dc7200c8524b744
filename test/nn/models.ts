import { RandomStream } from "../../src/base/random.ts";
import {
  add,
  clip,
  div,
  exp,
  greater,
  less,
  maximum,
  minimum,
  mul,
  neg,
  sub,
  toFloat,
  where,
} from "../../src/graph/elementwise.ts";
import { sizeOf } from "../../src/graph/tensor.ts";
import { type DecoderConfig, parameterSpecs } from "../../src/nn/decoder.ts";
import { type LossFunction, tokenMean } from "../../src/nn/training.ts";

/** Two layers with grouped-query attention, small enough for finite differences. */
export const tinyConfig: DecoderConfig = {
  vocabSize: 11,
  hiddenSize: 16,
  numLayers: 2,
  numHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  intermediateSize: 24,
  ropeTheta: 10000,
  rmsNormEps: 1e-6,
  maxLength: 12,
  tieWordEmbeddings: true,
  qkvBias: true,
};

/** Weights away from the special values of a fresh model (norms of 1, biases of 0), so that no gradient hides. */
export function randomWeights(config: DecoderConfig, seed = 1): Record<string, Float32Array> {
  const stream = new RandomStream(seed, "weights");
  return Object.fromEntries(
    parameterSpecs(config).map(({ name, shape, init }) => {
      const [middle, spread] = init.kind === "normal" ? [0, init.std * 1.5] : [init.kind === "ones" ? 1 : 0, 0.2];
      return [name, Float32Array.from({ length: sizeOf(shape) }, () => middle + spread * stream.normal())];
    }),
  );
}

/** Sequences of random tokens with their next tokens, a mask, and advantages. */
export function randomBatch(config: DecoderConfig, batchSize: number, sequenceLength: number, seed = 3) {
  const stream = new RandomStream(seed, "batch");
  const tokens = batchSize * sequenceLength;
  const ids = Int32Array.from({ length: tokens }, () => stream.integer(0, config.vocabSize - 1));
  const targets = ids.map((_, i) => ids[i + 1] ?? 0);
  const mask = Float32Array.from(ids, (_, i) => (i % sequenceLength > 0 && stream.next() < 0.8 ? 1 : 0));
  const uniform = -Math.log(config.vocabSize);
  return {
    ids,
    targets,
    mask,
    advantages: Float32Array.from(ids, () => stream.next() * 2 - 1),
    oldLogprobs: Float32Array.from(ids, () => uniform + 0.8 * (stream.next() - 0.5)),
    refLogprobs: Float32Array.from(ids, () => uniform + 0.8 * (stream.next() - 0.5)),
    normalizer: 1 / mask.reduce((total, value) => total + value, 0),
    inverseTemperature: 0.8,
  };
}

/** PPO's clipped objective with dual clip, a k3 penalty and an entropy bonus: every kind of term that losses have. */
export const ppoLoss: LossFunction = (inputs) => {
  const { graph, logprobs, entropy, mask } = inputs;
  const [advantages, oldLogprobs, refLogprobs] = ["advantages", "oldLogprobs", "refLogprobs"].map((name) =>
    graph.input(name, mask.shape),
  ) as [typeof mask, typeof mask, typeof mask];
  const low = graph.input("clipRatioLow", []);
  const high = graph.input("clipRatioHigh", []);
  const ratio = exp(sub(logprobs, oldLogprobs));
  const surrogate = minimum(mul(ratio, advantages), mul(clip(ratio, sub(1, low), add(1, high)), advantages));
  const dual = maximum(surrogate, mul(advantages, 3));
  const objective = where(less(advantages, 0), dual, surrogate);
  const distance = sub(refLogprobs, logprobs);
  const kl = sub(sub(exp(distance), distance), 1);
  const perToken = sub(sub(mul(kl, 0.04), objective), mul(entropy, 0.01));
  const outside = add(toFloat(less(ratio, sub(1, low))), toFloat(greater(ratio, add(1, high))));
  return {
    loss: tokenMean(perToken, inputs),
    metrics: {
      kl: tokenMean(kl, inputs),
      clipFraction: tokenMean(outside, inputs),
      meanRatio: div(tokenMean(ratio, inputs), 1),
    },
    perToken: { ratio, negatedLogprobs: neg(logprobs) },
  };
};

/** Scalars of `ppoLoss`. */
export const ppoScalars = { clipRatioLow: 0.2, clipRatioHigh: 0.28 };

/** The state that a training step leaves, under the names of its inputs. */
export function replaceState(outputs: Readonly<Record<string, Float32Array>>): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => /^[wmv]2\./.test(name))
      .map(([name, data]) => [name.replace(/^w2\./, "").replace(/^([mv])2\./, "$1."), data]),
  );
}
