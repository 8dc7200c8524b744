import { InvalidInputError } from "../base/errors.ts";
import { concat, int64s, reshape, zeros } from "./shape.ts";
import { derived, expectTensor, floats, type Shape, sameShape, shapeText, sizeOf, type Tensor } from "./tensor.ts";

/** Which axes to reduce (negative ones count from the end) and whether they stay with size 1. */
export interface ReduceOptions {
  /** Default: all. */
  axes?: readonly number[];
  /** Default: false. */
  keepAxes?: boolean;
}

function plan(operator: string, x: Tensor, { axes, keepAxes = false }: ReduceOptions) {
  expectTensor(operator, x, floats);
  const rank = x.shape.length;
  const reduced = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + rank : axis));
  if (reduced.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= rank))
    throw new InvalidInputError(`${operator} over the axes ${shapeText(axes!)} does not fit ${shapeText(x.shape)}.`);
  const kept = x.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
  const shape = keepAxes ? kept : x.shape.filter((_, axis) => !reduced.includes(axis));
  return { reduced, kept, shape, keepdims: keepAxes ? 1 : 0 };
}

/** Sum over axes. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { reduced, kept, shape, keepdims } = plan("ReduceSum", x, options);
  if (!reduced.length) return x;
  const axes = int64s(x, reduced);
  const result = x.graph.emit("ReduceSum", [x, axes], shape, { attributes: { keepdims } });
  return derived(result, [x], (d) => [expand(reshape(d, kept), x.shape)]);
}

/** Floats in a cache line, the widest alignment that a vector unit asks for. */
const LINE = 16;

/**
 * Sum over the last axis, kept with size 1, where equal rows have equal sums to the last bit wherever they stand. Rows are
 * padded to whole cache lines, because the CPU kernel adds in another order when a row starts inside one.
 */
export function rowSum(x: Tensor): Tensor {
  const axis = x.shape.length - 1;
  const missing = -x.shape[axis]! & (LINE - 1);
  const padded = missing ? concat([x, zeros(x.graph, x.shape.with(axis, missing), x.dtype)], axis) : x;
  return sum(padded, { axes: [axis], keepAxes: true });
}

/** Mean over axes. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { reduced } = plan("mean", x, options);
  return scale(sum(x, options), 1 / sizeOf(reduced.map((axis) => x.shape[axis]!)));
}

/** The sum of all squares, as one number. */
export function sumOfSquares(x: Tensor): Tensor {
  expectTensor("ReduceSumSquare", x, floats);
  const result = x.graph.emit("ReduceSumSquare", [x], [], { attributes: { keepdims: 0 } });
  return derived(result, [x], (d) => [x.graph.emit("Mul", [x, scale(d, 2)], x.shape)]);
}

/** The largest element over axes, kept with size 1, taken as constant by differentiation (to shift exponents). */
export function constantMax(x: Tensor, axis: number): Tensor {
  const { reduced, kept } = plan("ReduceMax", x, { axes: [axis] });
  return x.graph.emit("ReduceMax", [x], kept, { attributes: { axes: reduced, keepdims: 1 } });
}

/** Repeats axes of size 1 (and adds leading ones) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = shape.length - x.shape.length;
  if (missing < 0 || x.shape.some((size, axis) => size !== 1 && size !== shape[axis + missing]))
    throw new InvalidInputError(`Expand cannot repeat ${shapeText(x.shape)} to ${shapeText(shape)}.`);
  return derived(x.graph.emit("Expand", [x, int64s(x, shape)], shape), [x], (d) => [sumTo(d, x.shape)]);
}

/** Undoes broadcasting: sums a gradient down to the shape that was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, axis) =>
    (shape[axis - missing] ?? 1) === size && axis >= missing ? [] : [axis],
  );
  return reshape(sum(x, { axes }), shape);
}

function scale(x: Tensor, factor: number): Tensor {
  const result = x.graph.emit("Mul", [x, x.graph.scalar(factor, x.dtype)], x.shape);
  return derived(result, [x], (d) => [scale(d, factor)]);
}
