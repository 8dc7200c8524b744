/**
 * A value model: the decoder with one number for each position in place of a distribution over the vocabulary. The head is
 * that of Hugging Face's Qwen2ForTokenClassification with one label (verl's critic): `score.weight` [1, hiddenSize] and
 * `score.bias` [1]. It begins at 0, so that the first values are 0 whatever the layers below were trained for.
 */

import { grad } from "../graph/grad.ts";
import { linear } from "../graph/linear.ts";
import { reshape } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { appendAdamW } from "./adamw.ts";
import { type DecoderConfig, type ParameterSpec, parameterSpecs } from "./decoder.ts";
import { type BatchShape, causalAttention } from "./forward.ts";
import type { LossTerms } from "./training.ts";
import { decoderHidden, openGraph, type Weights } from "./transformer.ts";

/** The head's weights: the last of `valueSpecs`. */
export function valueHeadSpecs({ hiddenSize }: DecoderConfig): ParameterSpec[] {
  return [
    { name: "score.weight", shape: [1, hiddenSize], init: { kind: "zeros" }, decay: true },
    { name: "score.bias", shape: [1], init: { kind: "zeros" }, decay: false },
  ];
}

/** The weights of a value model: the decoder's, then the head's. */
export const valueSpecs = (config: DecoderConfig): ParameterSpec[] => [
  ...parameterSpecs(config),
  ...valueHeadSpecs(config),
];

/** What a value loss is made of. N is batchSize · sequenceLength. */
export interface ValueLossInputs {
  /** For further inputs, such as `graph.input("returns", mask.shape)`. */
  readonly graph: Graph;
  /** The model's value at each position, [N]. */
  readonly values: Tensor;
  /** 1 where the next token is trained on, 0 elsewhere, [N]. */
  readonly mask: Tensor;
  /** Shape []; see `LossInputs`. */
  readonly normalizer: Tensor;
}

export type ValueLossFunction = (inputs: ValueLossInputs) => Pick<LossTerms, "loss" | "metrics">;

/** Declares `ids`, int32 [N], and gives the value at each position, [N]. */
export function sequenceValues(graph: Graph, config: DecoderConfig, weights: Weights, shape: BatchShape): Tensor {
  const tokens = [shape.batchSize * shape.sequenceLength];
  const ids = graph.input("ids", tokens, "int32");
  const hidden = decoderHidden(config, weights, ids, causalAttention(graph, config, shape));
  return reshape(linear(hidden, weights["score.weight"]!, weights["score.bias"]), tokens);
}

/**
 * Values of whole sequences.
 *
 * Inputs: the weights of `valueSpecs`; `ids`, int32 [N], sequence after sequence. Output: `values`, [N]; the one at a
 * position knows the tokens up to it, itself included.
 */
export function buildValues(config: DecoderConfig, shape: BatchShape): Graph {
  const [graph, weights] = openGraph("values", config, shape, valueSpecs(config));
  graph.output("values", sequenceValues(graph, config, weights, shape));
  return graph;
}

/**
 * A whole update of a value model in one program: forward, loss, backward, clipping of the gradient norm, AdamW.
 *
 * Inputs: the weights of `valueSpecs`; `ids` int32 [N]; `mask` [N]; `normalizer` []; what the loss declares; those of
 * `appendAdamW`. Outputs: `loss`, the loss's metrics, and those of `appendAdamW`.
 */
export function buildValueStep(config: DecoderConfig, shape: BatchShape & { loss: ValueLossFunction }): Graph {
  const specs = valueSpecs(config);
  const [graph, weights] = openGraph("valueStep", config, shape, specs);
  const values = sequenceValues(graph, config, weights, shape);
  const mask = graph.input("mask", values.shape);
  const { loss, metrics = {} } = shape.loss({ graph, values, mask, normalizer: graph.input("normalizer", []) });
  graph.output("loss", loss);
  for (const [name, tensor] of Object.entries(metrics)) graph.output(name, tensor);
  const parameters = specs.map(({ name }) => weights[name]!);
  appendAdamW(graph, specs, weights, grad(loss, parameters));
  return graph;
}
