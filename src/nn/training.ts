import { InvalidInputError } from "../base/errors.ts";
import { add, greater, mul, where } from "../graph/elementwise.ts";
import { grad } from "../graph/grad.ts";
import { sum } from "../graph/reduce.ts";
import { type Graph, type Shape, sameShape, shapeText, type Tensor } from "../graph/tensor.ts";
import { appendAdamW } from "./adamw.ts";
import { type DecoderConfig, parameterSpecs } from "./decoder.ts";
import { type BatchShape, sequenceLogprobs } from "./forward.ts";
import { openGraph, type ProgramOptions, type Weights } from "./transformer.ts";

/** What a loss is made of. N is batchSize · sequenceLength. */
export interface LossInputs {
  /** For further inputs, such as `graph.input("advantages", mask.shape)` or `graph.input("clipRatioHigh", [])`. */
  readonly graph: Graph;
  /** Log-probabilities of the targets at the given temperature, [N]. */
  readonly logprobs: Tensor;
  /** Entropy of each predicted distribution in nats, [N]. */
  readonly entropy: Tensor;
  /** 1 where the target is trained on, 0 elsewhere, [N]. */
  readonly mask: Tensor;
  /** Shape []. 1 / (mask sum over the whole mini-batch) makes token means whose parts add up over micro-batches. */
  readonly normalizer: Tensor;
  /** How the N positions are laid out: sequences one after another. */
  readonly layout: { readonly batchSize: number; readonly sequenceLength: number };
}

/** What a loss gives. */
export interface LossTerms {
  /** What is minimised, shape []. */
  readonly loss: Tensor;
  /** Further scalar outputs by name. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** Further outputs of shape [N] by name. */
  readonly perToken?: Readonly<Record<string, Tensor>>;
  /** Bool, shape []. A training step whose loss is not valid changes nothing and says `skipped`. Default: true. */
  readonly valid?: Tensor;
}

/** Builds a loss; called once for each program. */
export type LossFunction = (inputs: LossInputs) => LossTerms;

/** Size and loss of a training program. */
export interface TrainingOptions extends BatchShape {
  readonly loss: LossFunction;
}

/** The sum over trained tokens times the normalizer: the token mean over the mini-batch, or this batch's part of it. */
export function tokenMean(values: Tensor, { mask, normalizer }: Pick<LossInputs, "mask" | "normalizer">): Tensor {
  return mul(sum(mul(values, mask)), normalizer);
}

function expectShapes(tensors: Readonly<Record<string, Tensor>>, shape: Shape): void {
  for (const [name, tensor] of Object.entries(tensors))
    if (!sameShape(tensor.shape, shape))
      throw new InvalidInputError(
        `The loss gives ${name} the shape ${shapeText(tensor.shape)} instead of ${shapeText(shape)}.`,
        "Losses and metrics are scalars (tokenMean makes one); per-token values have a value for each token.",
      );
}

/** Forward pass and loss with their inputs and outputs. */
function appendLoss(graph: Graph, config: DecoderConfig, weights: Weights, options: TrainingOptions): LossTerms {
  const distribution = sequenceLogprobs(graph, config, weights, options);
  const mask = graph.input("mask", distribution.logprobs.shape);
  const { batchSize, sequenceLength } = options;
  const layout = { batchSize, sequenceLength };
  const inputs = { graph, ...distribution, mask, normalizer: graph.input("normalizer", []), layout };
  const terms = options.loss(inputs);
  const { loss, metrics = {}, perToken = {} } = terms;
  expectShapes({ loss, ...metrics }, []);
  expectShapes(perToken, mask.shape);
  graph.output("loss", loss);
  graph.output("entropy", tokenMean(distribution.entropy, inputs));
  for (const [name, tensor] of Object.entries({ ...metrics, ...perToken })) graph.output(name, tensor);
  return terms;
}

/**
 * A loss without its gradient: looks at an objective and changes nothing.
 *
 * Inputs: the weights; `ids`, `targets` int32 [N]; `inverseTemperature` []; `mask` [N]; `normalizer` []; what the loss
 * declares. Outputs: `loss`; `entropy` (mean over trained tokens); the loss's metrics and per-token values.
 */
export function buildObjective(config: DecoderConfig, options: TrainingOptions): Graph {
  const [graph, weights] = openGraph("objective", config, options);
  appendLoss(graph, config, weights, options);
  return graph;
}

/**
 * A whole update in one program: forward, loss, backward, clipping of the gradient norm, AdamW.
 *
 * Inputs and outputs are those of `buildObjective` and of `appendAdamW`: moments `m.<name>`, `v.<name>` and the scalars of
 * `adamwInputs` go in; `w2.<name>`, `m2.<name>`, `v2.<name>`, `gradNorm` and `skipped` come out, and may replace `<name>`,
 * `m.<name>` and `v.<name>` in place.
 */
export function buildTrainingStep(config: DecoderConfig, options: TrainingOptions): Graph {
  const [graph, weights] = openGraph("trainingStep", config, options);
  const specs = parameterSpecs(config);
  const { loss, valid } = appendLoss(graph, config, weights, options);
  const parameters = specs.map(({ name }) => weights[name]!);
  appendAdamW(graph, specs, weights, grad(loss, parameters), valid);
  return graph;
}

/**
 * The gradient of one micro-batch, added to those before it; `buildOptimizerStep` applies the total.
 *
 * Inputs: those of `buildObjective`; `accumulate` [], 1 to add to what is there and 0 to begin anew (whatever the
 * accumulators hold); accumulators `g.<name>`. Outputs: those of `buildObjective`; `g2.<name>`, which may replace
 * `g.<name>` in place.
 */
export function buildGradients(config: DecoderConfig, options: TrainingOptions): Graph {
  const [graph, weights] = openGraph("gradients", config, options);
  const specs = parameterSpecs(config);
  const { loss } = appendLoss(graph, config, weights, options);
  const gradients = grad(
    loss,
    specs.map(({ name }) => weights[name]!),
  );
  const keep = greater(graph.input("accumulate", []), 0);
  specs.forEach(({ name, shape }, i) => {
    const before = graph.input(`g.${name}`, shape);
    graph.output(`g2.${name}`, add(where(keep, before, 0), gradients[i]!));
  });
  return graph;
}

/**
 * Clips and applies accumulated gradients.
 *
 * Inputs: the weights, `g.<name>`, and those of `appendAdamW`. Outputs: those of `appendAdamW`.
 */
export function buildOptimizerStep(config: DecoderConfig, options: ProgramOptions = {}): Graph {
  const [graph, weights] = openGraph("optimizerStep", config, options);
  const specs = parameterSpecs(config);
  const gradients = specs.map(({ name, shape }) => graph.input(`g.${name}`, shape));
  appendAdamW(graph, specs, weights, gradients);
  return graph;
}
