import assert from "node:assert/strict";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CheckpointError, InvalidInputError } from "../../src/base/errors.ts";
import { Lab } from "../../src/lab.ts";
import { BatchDecoder } from "../../src/policy/decoder.ts";
import { Policy } from "../../src/policy/policy.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/policy/safetensors.ts";

const lab = new Lab({ seed: 5, device: "cpu", threads: 2 });
const folder = () => mkdtemp(join(tmpdir(), "cirlab-policy-"));

async function isCheckpointError(promise: Promise<unknown>, pattern: RegExp) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

test("the same seed makes the same weights, another seed others", async () => {
  const first = await Policy.create("tiny-math", { lab });
  const again = await Policy.create("tiny-math", { lab: new Lab({ seed: 5, device: "cpu" }) });
  const other = await Policy.create("tiny-math", { lab: new Lab({ seed: 6, device: "cpu" }) });
  assert.deepEqual(await again.weights(), await first.weights());
  assert.notDeepEqual(await other.weights(), await first.weights());
});

test("a saved policy loads bit for bit, in Hugging Face's layout", async () => {
  const policy = await Policy.create("tiny-math", { lab });
  const path = await folder();
  await policy.save(path);
  const loaded = await Policy.load(path, { lab });
  assert.deepEqual(await loaded.weights(), await policy.weights());
  assert.deepEqual(loaded.config, policy.config);
  assert.deepEqual(loaded.tokenizer.encode("<C>37*42=?"), policy.tokenizer.encode("<C>37*42=?"));
  const tensors = decodeSafetensors(await readFile(join(path, "model.safetensors")), "file");
  assert.deepEqual(tensors["model.layers.0.self_attn.q_proj.weight"]!.shape, [96, 96]);
  assert.deepEqual(tensors["model.embed_tokens.weight"]!.shape, [policy.config.vocabSize, 96]);
  assert.equal(JSON.parse(await readFile(join(path, "config.json"), "utf8")).model_type, "qwen2");
});

test("a damaged checkpoint is refused by file and tensor", async () => {
  const policy = await Policy.create("tiny-math", { lab });
  const path = await folder();
  await isCheckpointError(Policy.load(join(path, "nowhere"), { lab }), /config\.json cannot be read/);
  await policy.save(path);
  const file = join(path, "model.safetensors");
  const tensors = decodeSafetensors(await readFile(file), "file");
  const { "model.norm.weight": norm, ...rest } = tensors;
  await writeFile(file, encodeSafetensors(rest));
  await isCheckpointError(Policy.load(path, { lab }), /model\.norm\.weight/);
  await writeFile(
    file,
    encodeSafetensors({ ...rest, "model.norm.weight": { shape: [95], data: norm!.data.slice(1) } }),
  );
  await isCheckpointError(Policy.load(path, { lab }), /model\.norm\.weight.*95/);
  await writeFile(join(path, "config.json"), '{"model_type":"llama"}');
  await isCheckpointError(Policy.load(path, { lab }), /config\.json.*model_type/);
  await writeFile(join(path, "config.json"), "{");
  await isCheckpointError(Policy.load(path, { lab }), /config\.json is not JSON/);
});

test("unknown policies and devices are refused by name", async () => {
  await assert.rejects(
    Policy.create("tiny", { lab }),
    (error) => error instanceof InvalidInputError && /"tiny"/.test(error.message),
  );
  assert.throws(() => new Lab({ device: "tpu" as "cpu" }), /Unknown device "tpu".*webgpu/);
  assert.throws(() => new Lab({ seed: -1 }), /seed.*-1/);
});

test("what a sequence hears does not depend on its neighbours, its row or the batch's size", async () => {
  const policy = await Policy.create("tiny-math", { lab });
  const ids = policy.tokenizer.encode("<C>37*42+15=?```python\nprint(");
  const alone = await BatchDecoder.start(policy, 1);
  const heard: Float32Array[] = [];
  const single = alone.add();
  for (const token of ids) heard.push((await alone.step([{ sequence: single, token }])).logprobs(0).slice());
  await alone.close();

  const crowd = await BatchDecoder.start(policy, 40);
  const others = Array.from({ length: 33 }, () => crowd.add());
  const mine = crowd.add();
  for (const [i, token] of ids.entries()) {
    // Neighbours stand at other positions, and most of them leave half-way, so that the batch is compacted.
    if (i === 6) for (const other of others.splice(3)) crowd.remove(other);
    const feeds = others.map((sequence, row) => ({ sequence, token: (row + i) % 50 }));
    const next = await crowd.step([...feeds, { sequence: mine, token }]);
    assert.deepEqual(next.logprobs(feeds.length), heard[i], `token ${i}`);
  }
  await crowd.close();
});

test("a decoder refuses more sequences than it holds and tokens beyond the last position", async () => {
  const policy = await Policy.create("tiny-math", { lab });
  await assert.rejects(BatchDecoder.start(policy, 257), /1 to 256/);
  const decoder = await BatchDecoder.start(policy, 1);
  const sequence = decoder.add();
  sequence.position = policy.config.maxLength;
  await assert.rejects(decoder.step([{ sequence, token: 1 }]), /longer than the policy's 96 positions/);
  await decoder.close();
});
