import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { initialise } from "../../src/nn/decoder.ts";
import { fromHuggingFace, toHuggingFace } from "../../src/nn/huggingface.ts";
import { randomWeights, tinyConfig } from "./models.ts";

const weights = randomWeights(tinyConfig);

test("weights go to Hugging Face's names and shapes and come back bit for bit", () => {
  const tensors = toHuggingFace(tinyConfig, weights);
  const prefix = "model.layers.1.self_attn";
  assert.deepEqual(tensors[`${prefix}.q_proj.weight`]!.shape, [16, 16]);
  assert.deepEqual(tensors[`${prefix}.k_proj.weight`]!.shape, [8, 16]);
  assert.deepEqual(tensors[`${prefix}.v_proj.bias`]!.shape, [8]);
  const fused = weights[`${prefix}.qkv_proj.weight`]!;
  assert.deepEqual(tensors[`${prefix}.k_proj.weight`]!.data, fused.slice(16 * 16, 24 * 16));
  assert.equal(Object.keys(tensors).length, 2 + 2 * 12);
  assert.deepEqual(fromHuggingFace(tinyConfig, tensors), weights);
  const head = tensors["model.embed_tokens.weight"]!;
  assert.deepEqual(fromHuggingFace(tinyConfig, { ...tensors, "lm_head.weight": head }), weights);
});

test("a checkpoint that does not fit is refused, naming every tensor", () => {
  const tensors = toHuggingFace(tinyConfig, weights);
  const { "model.norm.weight": norm, ...rest } = tensors;
  const key = "model.layers.0.self_attn.k_proj.weight";
  const wrong = { ...rest, [key]: { shape: [16, 8], data: tensors[key]!.data }, "model.extra": norm! };
  assert.throws(
    () => fromHuggingFace(tinyConfig, wrong),
    (error) =>
      error instanceof CheckpointError &&
      error.message.includes("model.norm.weight is missing") &&
      error.message.includes(`${key} is [16, 8] instead of [8, 16]`) &&
      error.message.includes("model.extra does not belong to the model"),
  );
  const untied = { shape: [11, 16], data: new Float32Array(11 * 16) };
  assert.throws(() => fromHuggingFace(tinyConfig, { ...tensors, "lm_head.weight": untied }), /lm_head\.weight/);
  assert.throws(
    () => toHuggingFace(tinyConfig, { ...weights, "model.norm.weight": new Float32Array(3) }),
    CheckpointError,
  );
});

test("fresh weights depend on the stream alone and have the deviations that were asked for", () => {
  const config = { ...tinyConfig, vocabSize: 500, hiddenSize: 64 };
  const first = initialise(config, new RandomStream(80, "init"));
  assert.deepEqual(initialise(config, new RandomStream(80, "init")), first);
  assert.notDeepEqual(initialise(config, new RandomStream(81, "init")), first);
  const deviation = (data: Float32Array) => Math.hypot(...data) / Math.sqrt(data.length);
  assert.ok(Math.abs(deviation(first["model.embed_tokens.weight"]!) / 0.05 - 1) < 0.03);
  assert.ok(Math.abs(deviation(first["model.layers.0.mlp.gate_proj.weight"]!) * 8 - 1) < 0.1);
  assert.ok(first["model.norm.weight"]!.every((value) => value === 1));
  assert.ok(first["model.layers.0.self_attn.qkv_proj.bias"]!.every((value) => value === 0));
});
