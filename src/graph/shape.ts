import { InvalidInputError } from "../base/errors.ts";
import type { DType } from "./encoded.ts";
import { derived, type Graph, type Shape, sameShape, shapeText, sizeOf, type Tensor } from "./tensor.ts";

/** A shape or list of sizes as the int64 tensor that ONNX operators take. */
export const int64s = ({ graph }: { graph: Graph }, values: readonly number[]): Tensor =>
  graph.constant(values, [values.length], "int64");

/** A tensor of zeros. */
export function zeros(graph: Graph, shape: Shape, dtype: DType = graph.dtype): Tensor {
  return graph.emit("Expand", [graph.scalar(0, dtype), int64s({ graph }, shape)], shape);
}

/** The same elements in another shape. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (sizeOf(x.shape) !== sizeOf(shape))
    throw new InvalidInputError(`Reshape cannot turn ${shapeText(x.shape)} into ${shapeText(shape)}.`);
  return derived(x.graph.emit("Reshape", [x, int64s(x, shape)], shape), [x], (d) => [reshape(d, x.shape)]);
}

/** Axes in another order: axis i of the result is axis `permutation[i]` of `x`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (
    !sameShape(
      [...permutation].sort((a, b) => a - b),
      x.shape.map((_, axis) => axis),
    )
  )
    throw new InvalidInputError(`Transpose ${shapeText(permutation)} does not fit the shape ${shapeText(x.shape)}.`);
  const shape = permutation.map((axis) => x.shape[axis]!);
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  const result = x.graph.emit("Transpose", [x], shape, { attributes: { perm: permutation } });
  return derived(result, [x], (d) => [transpose(d, inverse)]);
}

/** Pieces of the given sizes along an axis. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  if (sizes.reduce((total, size) => total + size, 0) !== x.shape[axis])
    throw new InvalidInputError(`Split into ${shapeText(sizes)} does not fit axis ${axis} of ${shapeText(x.shape)}.`);
  const shapes = sizes.map((size) => x.shape.map((whole, i) => (i === axis ? size : whole)));
  const pieces = x.graph.emitMany("Split", [x, int64s(x, sizes)], shapes, { attributes: { axis } });
  x.graph.derive(pieces, [x], (gradients) => [
    concat(
      gradients.map((d, i) => d ?? zeros(x.graph, shapes[i]!, x.dtype)),
      axis,
    ),
  ]);
  return pieces;
}

/** Tensors joined along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0]!;
  for (const part of parts)
    if (part.dtype !== first.dtype || !sameShape(part.shape.toSpliced(axis, 1), first.shape.toSpliced(axis, 1)))
      throw new InvalidInputError(
        `Concat along axis ${axis} cannot join ${parts.map((p) => `${p.dtype} ${shapeText(p.shape)}`).join(" and ")}.`,
      );
  const sizes = parts.map((part) => part.shape[axis]!);
  const shape = first.shape.with(
    axis,
    sizes.reduce((total, size) => total + size, 0),
  );
  const result = first.graph.emit("Concat", parts, shape, { attributes: { axis } });
  return derived(result, parts, (d) => split(d, axis, sizes));
}
