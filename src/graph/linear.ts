import { InvalidInputError } from "../base/errors.ts";
import { sum } from "./reduce.ts";
import { derived, expectTensor, floats, sameShape, shapeText, type Tensor } from "./tensor.ts";

/**
 * A linear layer, x Wᵀ + b, in the weight layout of PyTorch and of published checkpoints.
 *
 * @param x shape [rows, in].
 * @param weight shape [out, in].
 * @param bias shape [out].
 * @returns shape [rows, out].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  for (const tensor of [x, weight]) expectTensor("linear", tensor, [x.graph.dtype], 2);
  const [rows, width] = x.shape as [number, number];
  const out = weight.shape[0]!;
  if (weight.shape[1] !== width || (bias && !sameShape(bias.shape, [out])))
    throw new InvalidInputError(
      `linear cannot apply the weight ${shapeText(weight.shape)}${bias ? ` and bias ${shapeText(bias.shape)}` : ""} to ` +
        `${shapeText(x.shape)}: it takes [rows, in], [out, in] and [out].`,
    );
  const operands = bias ? [x, weight, bias] : [x, weight];
  const y = x.graph.emit("Gemm", operands, [rows, out], { attributes: { transB: 1 } });
  return derived(y, operands, (d) => [
    x.graph.emit("Gemm", [d, weight], x.shape),
    x.graph.emit("Gemm", [d, x], weight.shape, { attributes: { transA: 1 } }),
    ...(bias ? [sum(d, { axes: [0] })] : []),
  ]);
}

/** The last two axes exchanged; ONNX Runtime folds it into the MatMul that follows. */
function flip(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const last = axes.length - 1;
  const perm = axes.with(last, last - 1).with(last - 1, last);
  return x.graph.emit(
    "Transpose",
    [x],
    perm.map((axis) => x.shape[axis]!),
    { attributes: { perm } },
  );
}

const product = (a: Tensor, b: Tensor) =>
  a.graph.emit("MatMul", [a, b], [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]!]);

function checkProduct(operator: string, a: Tensor, b: Tensor, inner: number): void {
  expectTensor(operator, a, floats);
  const batched = a.shape.length >= 2 && sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (a.dtype !== b.dtype || !batched || a.shape[a.shape.length - 1] !== b.shape[b.shape.length - inner])
    throw new InvalidInputError(
      `${operator} cannot multiply ${a.dtype} ${shapeText(a.shape)} and ${b.dtype} ${shapeText(b.shape)}.`,
    );
}

/** Matrix products a b over equal leading axes: [..., m, k] and [..., k, n] to [..., m, n]. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkProduct("matmul", a, b, 2);
  return derived(product(a, b), [a, b], (d) => [product(d, flip(b)), product(flip(a), d)]);
}

/** Matrix products a bᵀ over equal leading axes: [..., m, k] and [..., n, k] to [..., m, n]. */
export function matmulTransposed(a: Tensor, b: Tensor): Tensor {
  checkProduct("matmulTransposed", a, b, 1);
  return derived(product(a, flip(b)), [a, b], (d) => [product(d, b), product(flip(d), a)]);
}
