import { InvalidInputError } from "../base/errors.ts";
import { broadcastShape } from "./elementwise.ts";
import { int64s } from "./shape.ts";
import { derived, expectTensor, sameShape, shapeText, type Tensor } from "./tensor.ts";

/** Cosine and signed sine of rotary position embedding for positions 0 to length - 1, each [length, headDim]. */
export interface RotaryTables {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/**
 * Tables of rotary position embedding (Su et al. 2021) in the half-split layout of Llama and Qwen2 checkpoints: dimension
 * i turns with i + headDim / 2 by the angle position · theta^(-2i / headDim). The sine carries the sign of the rotation.
 */
export function rotaryTables(length: number, headDim: number, theta: number): RotaryTables {
  const half = headDim / 2;
  const cos = new Float64Array(length * headDim);
  const sin = new Float64Array(length * headDim);
  for (let position = 0; position < length; position++)
    for (let i = 0; i < half; i++) {
      const angle = position * theta ** (-i / half);
      const at = position * headDim + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = -Math.sin(angle);
      sin[at + half] = Math.sin(angle);
    }
  return { cos, sin };
}

/**
 * Rotates vectors by their positions: x · cos + swapHalves(x) · sin.
 *
 * @param x last axis headDim.
 * @param cos,sin rows of `rotaryTables`, broadcastable to `x`; no gradient flows into them.
 */
export function rotary(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const { graph, shape } = x;
  for (const tensor of [x, cos, sin]) expectTensor("rotary", tensor, [graph.dtype]);
  const axis = shape.length - 1;
  const half = shape[axis]! / 2;
  if (!Number.isInteger(half) || !sameShape(broadcastShape("rotary", shape, cos.shape), shape))
    throw new InvalidInputError(`rotary cannot turn ${shapeText(shape)} by tables of ${shapeText(cos.shape)}.`);
  const multiply = (a: Tensor, b: Tensor) => graph.emit("Mul", [a, b], shape);
  const swap = (z: Tensor) => {
    const [low, high] = graph.emitMany(
      "Split",
      [z, int64s(x, [half, half])],
      [shape.with(axis, half), shape.with(axis, half)],
      {
        attributes: { axis },
      },
    ) as [Tensor, Tensor];
    return graph.emit("Concat", [high, low], shape, { attributes: { axis } });
  };
  const sumOf = (a: Tensor, b: Tensor) => graph.emit("Add", [a, b], shape);
  // Swapping halves is its own transpose, so the gradient swaps after the product instead of before it.
  return derived(sumOf(multiply(x, cos), multiply(swap(x), sin)), [x], (d) => [
    sumOf(multiply(d, cos), swap(multiply(d, sin))),
  ]);
}
