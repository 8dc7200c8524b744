import { CheckpointError } from "../base/errors.ts";
import { type Shape, sameShape, shapeText, sizeOf } from "../graph/tensor.ts";
import { type DecoderConfig, parameterSpecs } from "./decoder.ts";

/** A weight tensor outside a graph. */
export interface NamedTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

const fused = ".qkv_proj.";

/** How a weight of ours is cut along its first axis into those of a Hugging Face checkpoint. */
function pieces(config: DecoderConfig, name: string, shape: Shape): { name: string; shape: Shape }[] {
  if (!name.includes(fused)) return [{ name, shape }];
  const queries = config.numHeads * config.headDim;
  const others = config.numKeyValueHeads * config.headDim;
  return [["q", queries] as const, ["k", others] as const, ["v", others] as const].map(([letter, rows]) => ({
    name: name.replace(fused, `.${letter}_proj.`),
    shape: shape.with(0, rows),
  }));
}

/**
 * Weights under the names and shapes of Hugging Face's Qwen2, such as `model.layers.0.self_attn.q_proj.weight`
 * [out, in]. The data are views of the given arrays.
 */
export function toHuggingFace(
  config: DecoderConfig,
  weights: Readonly<Record<string, Float32Array>>,
): Record<string, NamedTensor> {
  const tensors: Record<string, NamedTensor> = {};
  for (const spec of parameterSpecs(config)) {
    const data = weights[spec.name];
    if (data?.length !== sizeOf(spec.shape))
      throw new CheckpointError(
        `The weight ${spec.name} has ${data?.length ?? "no"} values; its shape is ${shapeText(spec.shape)}.`,
      );
    let offset = 0;
    for (const { name, shape } of pieces(config, spec.name, spec.shape)) {
      tensors[name] = { shape, data: data.subarray(offset, offset + sizeOf(shape)) };
      offset += sizeOf(shape);
    }
  }
  return tensors;
}

/**
 * Weights of a Hugging Face Qwen2 checkpoint, copied into this model's layout. `lm_head.weight`, which some files carry
 * beside a tied embedding, is accepted where it equals it.
 *
 * @throws CheckpointError naming each tensor that is missing, has another shape or belongs to no part of the model.
 */
export function fromHuggingFace(
  config: DecoderConfig,
  tensors: Readonly<Record<string, NamedTensor>>,
): Record<string, Float32Array> {
  const specs = parameterSpecs(config);
  const parts = specs.map((spec) => pieces(config, spec.name, spec.shape));
  const problems = parts.flat().flatMap(({ name, shape }) => {
    const tensor = tensors[name];
    if (!tensor) return [`${name} is missing`];
    if (sameShape(tensor.shape, shape) && tensor.data.length === sizeOf(shape)) return [];
    return [`${name} is ${shapeText(tensor.shape)} instead of ${shapeText(shape)}`];
  });
  const known = new Set(parts.flat().map(({ name }) => name));
  for (const [name, { data }] of Object.entries(tensors))
    if (!known.has(name) && !(name === "lm_head.weight" && equals(data, tensors["model.embed_tokens.weight"]?.data)))
      problems.push(`${name} does not belong to the model`);
  if (problems.length)
    throw new CheckpointError(
      `The checkpoint does not fit the model: ${problems.join("; ")}.`,
      "Compare it with the model's config.json.",
    );
  return Object.fromEntries(
    specs.map((spec, i) => {
      const data = new Float32Array(sizeOf(spec.shape));
      let offset = 0;
      for (const { name } of parts[i]!) {
        data.set(tensors[name]!.data, offset);
        offset += tensors[name]!.data.length;
      }
      return [spec.name, data];
    }),
  );
}

const equals = (a: Float32Array, b: Float32Array | undefined): boolean =>
  a.length === b?.length && a.every((value, i) => value === b[i]);
