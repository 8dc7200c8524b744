import { InvalidInputError } from "../base/errors.ts";
import type { DType } from "./encoded.ts";

/** Element types of weights and activations. float64 exists for checking gradients. */
export type FloatType = "float32" | "float64";

/** Sizes of a tensor's axes; `[]` is a scalar. */
export type Shape = readonly number[];

/** A symbolic tensor: a value that a graph will compute. Made by a graph and by operators, never directly. */
export class Tensor {
  readonly graph: Graph;
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(graph: Graph, id: number, shape: Shape, dtype: DType) {
    this.graph = graph;
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** A tensor, or a number that becomes a scalar constant beside it. */
export type Operand = Tensor | number;

/** One ONNX node. Attributes are whole numbers or lists of them. */
export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

/**
 * How gradients pass an operator: from the gradients of its outputs (undefined where the loss does not depend on one) to
 * those of its inputs, in order (undefined where an input has none, like token ids).
 */
export type VectorJacobianProduct = (gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

/** An operator application as differentiation sees it; a composite operator covers many nodes with one derivation. */
export interface Derivation {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly vjp: VectorJacobianProduct;
}

/** A value known when the graph is built. */
export interface GraphConstant {
  readonly tensor: Tensor;
  readonly bytes: Uint8Array;
}

const arrays = {
  float32: (data: ArrayLike<number>) => Float32Array.from(data),
  float64: (data: ArrayLike<number>) => Float64Array.from(data),
  int32: (data: ArrayLike<number>) => Int32Array.from(data),
  int64: (data: ArrayLike<number>) => BigInt64Array.from(Array.from(data), BigInt),
  bool: (data: ArrayLike<number>) => Uint8Array.from(data),
};

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** A shape as messages show it. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * A program of tensors with static shapes: inputs, constants, nodes in the order they were made, and named outputs.
 *
 * @example
 * const graph = new Graph("affine");
 * const x = graph.input("x", [8, 4]);
 * const w = graph.input("w", [3, 4]);
 * graph.output("y", linear(x, w));
 * const encoded = encode(graph);
 */
export class Graph {
  readonly name: string;
  /** Element type of inputs and constants unless they say otherwise. */
  readonly dtype: FloatType;
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  readonly nodes: GraphNode[] = [];
  readonly constants: GraphConstant[] = [];
  readonly derivations: Derivation[] = [];
  readonly #shared = new Map<string, Tensor>();
  #tensors = 0;

  /** @param options `dtype` of weights and activations, default float32. */
  constructor(name: string, options: { dtype?: FloatType } = {}) {
    this.name = name;
    this.dtype = options.dtype ?? "float32";
  }

  /** Declares an input. Hyperparameters are inputs of shape `[]`, so that changing one needs no new graph. */
  input(name: string, shape: Shape, dtype: DType = this.dtype): Tensor {
    this.#claim(name);
    if (!shape.every((size) => Number.isInteger(size) && size > 0))
      throw new InvalidInputError(`Input ${name} of graph ${this.name} has the impossible shape ${shapeText(shape)}.`);
    const tensor = this.#tensor(shape, dtype);
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** Names a tensor as a result of the graph. */
  output(name: string, tensor: Tensor): void {
    this.#claim(name);
    this.#own("output", [tensor]);
    const taken = [...this.inputs.values(), ...this.outputs.values(), ...this.constants.map((c) => c.tensor)];
    this.outputs.set(name, taken.includes(tensor) ? this.emit("Identity", [tensor], tensor.shape) : tensor);
  }

  /** A tensor of known values; equal small constants are shared. */
  constant(data: ArrayLike<number>, shape: Shape, dtype: DType = this.dtype): Tensor {
    if (data.length !== sizeOf(shape))
      throw new InvalidInputError(`A constant of shape ${shapeText(shape)} was given ${data.length} values.`);
    const key = data.length <= 16 ? `${dtype}${shapeText(shape)}${Array.from(data).join()}` : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known) return known;
    const tensor = this.#tensor(shape, dtype);
    const array = arrays[dtype](data);
    this.constants.push({ tensor, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) });
    if (key !== undefined) this.#shared.set(key, tensor);
    return tensor;
  }

  /** A constant of shape `[]`. */
  scalar(value: number, dtype: DType = this.dtype): Tensor {
    return this.constant([value], [], dtype);
  }

  /** Appends an ONNX node with one output. For operators; it has no gradient until `derive` gives it one. */
  emit(
    operator: string,
    inputs: readonly Tensor[],
    shape: Shape,
    options: { dtype?: DType; attributes?: GraphNode["attributes"] } = {},
  ): Tensor {
    return this.emitMany(operator, inputs, [shape], options)[0]!;
  }

  /** Appends an ONNX node with several outputs of one type. */
  emitMany(
    operator: string,
    inputs: readonly Tensor[],
    shapes: readonly Shape[],
    options: { dtype?: DType; attributes?: GraphNode["attributes"] } = {},
  ): Tensor[] {
    this.#own(operator, inputs);
    const outputs = shapes.map((shape) => this.#tensor(shape, options.dtype ?? inputs[0]!.dtype));
    this.nodes.push({ operator, inputs, outputs, attributes: options.attributes ?? {} });
    return outputs;
  }

  /** Gives an operator's outputs their gradient rule. */
  derive(outputs: readonly Tensor[], inputs: readonly Tensor[], vjp: VectorJacobianProduct): void {
    this.derivations.push({ inputs, outputs, vjp });
  }

  #tensor(shape: Shape, dtype: DType): Tensor {
    return new Tensor(this, this.#tensors++, shape, dtype);
  }

  #claim(name: string): void {
    if (!name || this.inputs.has(name) || this.outputs.has(name))
      throw new InvalidInputError(`Graph ${this.name} has already an input or output named "${name}".`);
  }

  #own(operator: string, tensors: readonly Tensor[]): void {
    if (tensors.some((tensor) => tensor.graph !== this))
      throw new InvalidInputError(`${operator} was given a tensor of another graph than ${this.name}.`);
  }
}

/** Gives an operator with one output its gradient rule and returns the output. */
export function derived(
  output: Tensor,
  inputs: readonly Tensor[],
  vjp: (gradient: Tensor) => readonly (Tensor | undefined)[],
): Tensor {
  output.graph.derive([output], inputs, ([gradient]) => vjp(gradient!));
  return output;
}

/** Refuses a tensor of another type or rank than an operator takes. */
export function expectTensor(operator: string, tensor: Tensor, dtypes: readonly DType[], rank?: number): void {
  if (!dtypes.includes(tensor.dtype))
    throw new InvalidInputError(`${operator} takes ${dtypes.join(" or ")}, was given ${tensor.dtype}.`);
  if (rank !== undefined && tensor.shape.length !== rank)
    throw new InvalidInputError(`${operator} takes ${rank} axes, was given the shape ${shapeText(tensor.shape)}.`);
}

/** The types that have gradients. */
export const floats = ["float32", "float64"] as const;
