import { z } from "zod";
import type { RandomStream } from "../base/random.ts";
import { parseInput } from "../base/schema.ts";
import { type Shape, sizeOf } from "../graph/tensor.ts";

const count = z.number().int().positive();

/** Checks a decoder's configuration. */
export const decoderConfigSchema = z
  .object({
    /** Number of tokens. */
    vocabSize: count,
    /** Width of the residual stream. */
    hiddenSize: count,
    numLayers: count,
    /** Query heads; a multiple of `numKeyValueHeads`. */
    numHeads: count,
    /** Key and value heads; fewer than query heads is grouped-query attention (Ainslie et al. 2023). */
    numKeyValueHeads: count,
    /** Width of a head; even. */
    headDim: count.multipleOf(2),
    /** Width of the gated feed-forward layer. */
    intermediateSize: count,
    /** Base of the rotary embedding's angles. */
    ropeTheta: z.number().positive(),
    /** Added to the mean square before its root. */
    rmsNormEps: z.number().positive(),
    /** Longest sequence in tokens; the length of the key-value cache. */
    maxLength: count,
    /** The output layer is the embedding table. */
    tieWordEmbeddings: z.literal(true),
    /** Queries, keys and values have a bias. */
    qkvBias: z.literal(true),
  })
  .refine((config) => config.numHeads % config.numKeyValueHeads === 0, {
    path: ["numHeads"],
    error: "must be a multiple of numKeyValueHeads",
  });

/** A decoder transformer of the Qwen2 family (Yang et al. 2024, arXiv:2407.10671). */
export type DecoderConfig = Readonly<z.infer<typeof decoderConfigSchema>>;

/** Refuses a configuration that no model can have. */
export const checkDecoderConfig = (config: unknown): DecoderConfig =>
  parseInput(decoderConfigSchema, config, "decoder configuration");

/** A weight tensor: its name, shape and first value. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly init: { readonly kind: "normal"; readonly std: number } | { readonly kind: "ones" | "zeros" };
  /** Whether weight decay applies: to matrices, not to biases and norms. */
  readonly decay: boolean;
}

/**
 * The weights of a decoder in the order of training. Names and [out, in] layouts are those of Hugging Face's Qwen2, except
 * that queries, keys and values are one matrix, `self_attn.qkv_proj` (rows: all queries, then keys, then values).
 * Initial deviations: 0.05 for the embedding, 1 / sqrt(inputs) for matrices.
 */
export function parameterSpecs(config: DecoderConfig): ParameterSpec[] {
  const { vocabSize, hiddenSize, intermediateSize, headDim } = config;
  const queries = config.numHeads * headDim;
  const qkv = queries + 2 * config.numKeyValueHeads * headDim;
  const matrix = (name: string, out: number, inputs: number): ParameterSpec => ({
    name,
    shape: [out, inputs],
    init: { kind: "normal", std: 1 / Math.sqrt(inputs) },
    decay: true,
  });
  const vector = (name: string, size: number, kind: "ones" | "zeros"): ParameterSpec => ({
    name,
    shape: [size],
    init: { kind },
    decay: false,
  });
  const embedding = matrix("model.embed_tokens.weight", vocabSize, hiddenSize);
  return [
    { ...embedding, init: { kind: "normal", std: 0.05 } },
    ...Array.from({ length: config.numLayers }, (_, layer) => {
      const prefix = layerPrefix(layer);
      return [
        vector(`${prefix}.input_layernorm.weight`, hiddenSize, "ones"),
        matrix(`${prefix}.self_attn.qkv_proj.weight`, qkv, hiddenSize),
        vector(`${prefix}.self_attn.qkv_proj.bias`, qkv, "zeros"),
        matrix(`${prefix}.self_attn.o_proj.weight`, hiddenSize, queries),
        vector(`${prefix}.post_attention_layernorm.weight`, hiddenSize, "ones"),
        matrix(`${prefix}.mlp.gate_proj.weight`, intermediateSize, hiddenSize),
        matrix(`${prefix}.mlp.up_proj.weight`, intermediateSize, hiddenSize),
        matrix(`${prefix}.mlp.down_proj.weight`, hiddenSize, intermediateSize),
      ];
    }).flat(),
    vector("model.norm.weight", hiddenSize, "ones"),
  ];
}

/** What the names of a layer's weights begin with. */
export const layerPrefix = (layer: number): string => `model.layers.${layer}`;

/** Fresh weights by name, drawn in the order of `parameterSpecs`. */
export function initialise(config: DecoderConfig, stream: RandomStream): Record<string, Float32Array> {
  return Object.fromEntries(
    parameterSpecs(config).map(({ name, shape, init }) => {
      const values = new Float32Array(sizeOf(shape));
      if (init.kind === "ones") values.fill(1);
      if (init.kind === "normal") for (let i = 0; i < values.length; i++) values[i] = init.std * stream.normal();
      return [name, values];
    }),
  );
}
