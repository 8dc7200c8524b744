import { InvalidInputError } from "../base/errors.ts";
import { rowSum, sum } from "./reduce.ts";
import { reshape } from "./shape.ts";
import { derived, expectTensor, sameShape, shapeText, type Tensor } from "./tensor.ts";

/**
 * Root-mean-square normalisation, w · x / sqrt(mean(x²) + ε) over the last axis (Zhang & Sennrich 2019). Made of plain
 * nodes: the fused ONNX Runtime kernel returns a wrong second output on WebGPU, which a gradient would need.
 *
 * @param x shape [rows, width].
 * @param weight shape [width].
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  expectTensor("rmsNorm", x, [x.graph.dtype], 2);
  const { graph, shape } = x;
  const [rows, width] = shape as [number, number];
  if (!sameShape(weight.shape, [width]))
    throw new InvalidInputError(`rmsNorm cannot weigh ${shapeText(shape)} by ${shapeText(weight.shape)}.`);
  const column = [rows, 1];
  const multiply = (a: Tensor, b: Tensor) => graph.emit("Mul", [a, b], shape);
  const average = (total: Tensor) => graph.emit("Mul", [total, graph.scalar(1 / width)], column);
  const variance = average(rowSum(multiply(x, x)));
  const root = graph.emit("Sqrt", [graph.emit("Add", [variance, graph.scalar(epsilon)], column)], column);
  const inverse = graph.emit("Reciprocal", [root], column);
  const normalized = multiply(x, inverse);
  return derived(multiply(normalized, weight), [x, weight], (d) => {
    const dWeight = multiply(d, normalized);
    // mean(dy · w · x̂) over the width, as a product with the weight as a column
    const projection = average(graph.emit("Gemm", [dWeight, reshape(weight, [width, 1])], column));
    const centered = graph.emit("Sub", [multiply(d, weight), multiply(normalized, projection)], shape);
    return [multiply(centered, inverse), sum(dWeight, { axes: [0] })];
  });
}
