import { z } from "zod";
import { CheckpointError } from "../base/errors.ts";
import type { DecoderConfig } from "../nn/index.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The parts of a Qwen2 config.json that decide the graph. */
const qwen2Schema = z.looseObject({
  model_type: z.literal("qwen2"),
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive(),
  head_dim: z.int().positive().optional(),
  intermediate_size: z.int().positive(),
  rope_theta: z.number().positive(),
  rms_norm_eps: z.number().positive(),
  max_position_embeddings: z.int().positive(),
  tie_word_embeddings: z.literal(true),
});

/** Writes a configuration as Hugging Face's config.json. */
export function configToJSON(config: DecoderConfig, tokenizer: Tokenizer): Record<string, unknown> {
  return {
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    intermediate_size: config.intermediateSize,
    hidden_act: "silu",
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.rmsNormEps,
    max_position_embeddings: config.maxLength,
    tie_word_embeddings: true,
    use_sliding_window: false,
    torch_dtype: "float32",
    pad_token_id: tokenizer.padId,
    eos_token_id: tokenizer.eosId,
  };
}

/** @throws CheckpointError for another model family or a missing setting, naming it. */
export function configFromJSON(json: unknown, file: string): DecoderConfig {
  const parsed = qwen2Schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new CheckpointError(`${file}: ${issue.path.map(String).join(".") || "the file"}: ${issue.message}.`);
  }
  const c = parsed.data;
  if (c.num_attention_heads % c.num_key_value_heads)
    throw new CheckpointError(
      `${file}: ${c.num_attention_heads} heads cannot share ${c.num_key_value_heads} key-value heads evenly.`,
    );
  return {
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    numLayers: c.num_hidden_layers,
    numHeads: c.num_attention_heads,
    numKeyValueHeads: c.num_key_value_heads,
    headDim: c.head_dim ?? c.hidden_size / c.num_attention_heads,
    intermediateSize: c.intermediate_size,
    ropeTheta: c.rope_theta,
    rmsNormEps: c.rms_norm_eps,
    maxLength: c.max_position_embeddings,
    tieWordEmbeddings: true,
    qkvBias: true,
  };
}
