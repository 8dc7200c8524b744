import { swiGlu } from "../graph/activation.ts";
import { add, mul } from "../graph/elementwise.ts";
import { linear } from "../graph/linear.ts";
import { rmsNorm } from "../graph/normalization.ts";
import { type FloatType, Graph, type Tensor } from "../graph/tensor.ts";
import { embedding } from "../graph/tokens.ts";
import { type DecoderConfig, layerPrefix, type ParameterSpec, parameterSpecs } from "./decoder.ts";

/** Weights by name. */
export type Weights = Readonly<Record<string, Tensor>>;

/** Choices that every program of a model has. */
export interface ProgramOptions {
  /** Element type of weights and activations. Default float32; float64 is for checking gradients on a CPU. */
  dtype?: FloatType;
}

/**
 * A graph with the model's weights as inputs.
 *
 * @param specs the weights. Default: the decoder's own.
 */
export function openGraph(
  name: string,
  config: DecoderConfig,
  { dtype }: ProgramOptions,
  specs: readonly ParameterSpec[] = parameterSpecs(config),
): [Graph, Weights] {
  const graph = new Graph(name, { dtype });
  return [graph, Object.fromEntries(specs.map((spec) => [spec.name, graph.input(spec.name, spec.shape)]))];
}

/**
 * The layers between token ids and the last norm, for any arrangement of the tokens in `rows` rows.
 *
 * @param ids int32, shape [rows].
 * @param attend mixes a layer's queries, keys and values, [rows, (numHeads + 2 numKeyValueHeads) headDim] to
 * [rows, numHeads headDim].
 * @param project applies a weight and bias. Default: `linear`.
 * @returns hidden states, shape [rows, hiddenSize].
 */
export function decoderHidden(
  config: DecoderConfig,
  weights: Weights,
  ids: Tensor,
  attend: (layer: number, qkv: Tensor) => Tensor,
  project: (x: Tensor, weight: Tensor, bias?: Tensor) => Tensor = linear,
): Tensor {
  let x = embedding(weights["model.embed_tokens.weight"]!, ids);
  for (let layer = 0; layer < config.numLayers; layer++) {
    const weight = (name: string) => weights[`${layerPrefix(layer)}.${name}`]!;
    const attended = rmsNorm(x, weight("input_layernorm.weight"), config.rmsNormEps);
    const qkv = project(attended, weight("self_attn.qkv_proj.weight"), weight("self_attn.qkv_proj.bias"));
    x = add(x, project(attend(layer, qkv), weight("self_attn.o_proj.weight")));
    const normal = rmsNorm(x, weight("post_attention_layernorm.weight"), config.rmsNormEps);
    const gate = project(normal, weight("mlp.gate_proj.weight"));
    const up = project(normal, weight("mlp.up_proj.weight"));
    x = add(x, project(swiGlu(gate, up), weight("mlp.down_proj.weight")));
  }
  return rmsNorm(x, weights["model.norm.weight"]!, config.rmsNormEps);
}

/**
 * The layers between token ids and logits: those of `decoderHidden`, then the output layer.
 *
 * @param inverseTemperature shape []; what logits are multiplied by.
 * @returns logits, shape [rows, vocabSize].
 */
export function decoderLogits(
  config: DecoderConfig,
  weights: Weights,
  ids: Tensor,
  inverseTemperature: Tensor,
  attend: (layer: number, qkv: Tensor) => Tensor,
  project: (x: Tensor, weight: Tensor, bias?: Tensor) => Tensor = linear,
): Tensor {
  const hidden = decoderHidden(config, weights, ids, attend, project);
  // Scaling the hidden state scales the logits, and is narrower than they are.
  return project(mul(hidden, inverseTemperature), weights["model.embed_tokens.weight"]!);
}
