/** Element types of tensors. */
export type DType = "float32" | "float64" | "int32" | "int64" | "bool";

/** Name, static shape and element type of a graph's input or output. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A graph as ONNX bytes with its interface: what an engine loads. */
export interface EncodedGraph {
  readonly name: string;
  readonly onnx: Uint8Array;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}
