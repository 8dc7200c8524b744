import type { DType, TensorSpec } from "../graph/encoded.ts";
import type { TypedArray } from "./types.ts";

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

export const dtypes = Object.keys(arrays) as readonly DType[];

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** A zero-filled typed array of the class that holds `dtype`. */
export function zeros(dtype: DType, count: number): TypedArray {
  return new arrays[dtype](count);
}

/** Whether `data` is of the class that holds `dtype`. */
export function holds(data: unknown, dtype: DType): data is TypedArray {
  return data instanceof arrays[dtype];
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** A tensor's type for messages: `float32[2, 3]`. */
export function describeTensor({ dtype, shape }: Pick<TensorSpec, "dtype" | "shape">): string {
  return `${dtype}[${shape.join(", ")}]`;
}

/**
 * The array as it can be posted to another thread: a view of a larger buffer would take the whole buffer along, and
 * shared memory would be read while the caller may already change it, so both are copied out first.
 */
export function postable<T extends TypedArray>(data: T): T {
  const whole = data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength;
  return whole ? data : (data.slice() as T);
}
