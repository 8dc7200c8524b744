import { InvalidInputError } from "../base/errors.ts";
import { sum } from "./reduce.ts";
import { derived, expectTensor, floats, sameShape, shapeText, type Tensor } from "./tensor.ts";

/** Gated activation silu(gate) · up with silu(z) = z sigmoid(z) (Shazeer 2020, "GLU variants improve transformer"). */
export function swiGlu(gate: Tensor, up: Tensor): Tensor {
  expectTensor("swiGlu", gate, [gate.graph.dtype]);
  const { graph, shape } = gate;
  if (!sameShape(shape, up.shape))
    throw new InvalidInputError(
      `swiGlu takes two equal shapes, was given ${shapeText(shape)} and ${shapeText(up.shape)}.`,
    );
  const multiply = (a: Tensor, b: Tensor) => graph.emit("Mul", [a, b], shape);
  const sigmoid = graph.emit("Sigmoid", [gate], shape);
  const silu = multiply(gate, sigmoid);
  return derived(multiply(silu, up), [gate, up], (d) => {
    // silu' = s + z s (1 - s)
    const rest = graph.emit("Sub", [silu, multiply(silu, sigmoid)], shape);
    const slope = graph.emit("Add", [sigmoid, rest], shape);
    return [multiply(multiply(d, up), slope), multiply(d, silu)];
  });
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  expectTensor("softmax", x, floats);
  const { graph, shape } = x;
  const y = graph.emit("Softmax", [x], shape, { attributes: { axis: -1 } });
  return derived(y, [x], (d) => {
    const weighted = graph.emit("Mul", [d, y], shape);
    const total = sum(weighted, { axes: [-1], keepAxes: true });
    return [graph.emit("Sub", [weighted, graph.emit("Mul", [y, total], shape)], shape)];
  });
}
