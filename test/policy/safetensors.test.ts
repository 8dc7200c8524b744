import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointError } from "../../src/base/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/policy/safetensors.ts";

const tensors = {
  "a.weight": { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, Number.MIN_VALUE, 1e30) },
  b: { shape: [], data: Float32Array.of(7) },
};

test("safetensors round trip, with the layout that others read", () => {
  const bytes = Buffer.concat(encodeSafetensors(tensors));
  const headerLength = Number(bytes.readBigUInt64LE());
  assert.equal((8 + headerLength) % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  assert.deepEqual(header["a.weight"], { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] });
  assert.deepEqual(decodeSafetensors(bytes, "x"), tensors);
  // What readFile gives may be a view into a larger pool.
  assert.deepEqual(decodeSafetensors(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3), "x"), tensors);
});

test("damaged files are refused by name", () => {
  const bytes = Buffer.concat(encodeSafetensors(tensors));
  for (const damaged of [bytes.subarray(0, 4), bytes.subarray(0, 20), bytes.subarray(0, bytes.length - 1)])
    assert.throws(
      () => decodeSafetensors(damaged, "model.safetensors"),
      (error) => error instanceof CheckpointError && /model\.safetensors/.test(error.message),
    );
  const scrambled = Uint8Array.from(bytes);
  scrambled[9] = 0xff;
  assert.throws(() => decodeSafetensors(scrambled, "model.safetensors"), CheckpointError);
});
