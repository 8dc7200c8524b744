import type { TensorSpec } from "../../src/graph/encoded.ts";

export { smallGraph as graphOf } from "../../src/engine/small-graphs.ts";

export function float32(name: string, ...shape: number[]): TensorSpec {
  return { name, dtype: "float32", shape };
}

export function int32(name: string, ...shape: number[]): TensorSpec {
  return { name, dtype: "int32", shape };
}
