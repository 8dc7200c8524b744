import assert from "node:assert/strict";
import { sizeOf } from "../../src/graph/tensor.ts";
import type { NamedTensor } from "../../src/nn/huggingface.ts";

/** What a golden file says of a tensor. */
export interface Summary {
  norm: number;
  entries: number[];
}

/** The hash of make_golden.py: numbers in [0, 1) from a counter. */
export function noise(count: number, salt: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    let x = (i + salt * 1000003) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  });
}

/**
 * Weights of a golden run as make_golden.py makes them.
 *
 * @param names in the order of the file: the place is the salt.
 */
export function hashedTensors(
  names: readonly string[],
  shapes: Readonly<Record<string, Pick<NamedTensor, "shape">>>,
): Record<string, NamedTensor> {
  assert.deepEqual(Object.keys(shapes).sort(), names, "the same tensors as Hugging Face's model");
  return Object.fromEntries(
    names.map((name, salt) => {
      const { shape } = shapes[name]!;
      const middle = name.endsWith("norm.weight") ? 1 : 0;
      const scale = shape.length === 1 ? 0.5 : 3 / Math.sqrt(shape[1]!);
      const data = Float32Array.from(noise(sizeOf(shape), salt), (value) => middle + scale * (value - 0.5));
      return [name, { shape, data }];
    }),
  );
}

export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const scale = Math.max(...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * scale,
      `${what}[${i}] is ${actual[i]}, PyTorch has ${expected[i]}`,
    );
}

/** The norm of a tensor. */
export const norm = (data: Float32Array) => Math.hypot(...data);
/** Eight entries spread over a tensor. */
export const entries = (data: Float32Array) =>
  Array.from({ length: 8 }, (_, k) => data[Math.floor((k * data.length) / 8)]!);
