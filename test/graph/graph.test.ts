import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { swiGlu } from "../../src/graph/activation.ts";
import { add, clip, equal, exp, less, mul, stopGradient, toFloat, where } from "../../src/graph/elementwise.ts";
import { encode } from "../../src/graph/encode.ts";
import { grad } from "../../src/graph/grad.ts";
import { linear, matmul, matmulTransposed } from "../../src/graph/linear.ts";
import { rmsNorm } from "../../src/graph/normalization.ts";
import { expand, sum } from "../../src/graph/reduce.ts";
import { rotary } from "../../src/graph/rotary.ts";
import { concat, reshape, split, transpose } from "../../src/graph/shape.ts";
import { Graph, type Tensor } from "../../src/graph/tensor.ts";
import { embedding, oneHot, tokenLogprobs } from "../../src/graph/tokens.ts";
import { runGraph } from "./runtime.ts";

test("what does not fit is refused while building, naming operator and shapes", () => {
  const graph = new Graph("refusals");
  const x = graph.input("x", [3, 4]);
  const y = graph.input("y", [3, 5]);
  const ids = graph.input("ids", [3], "int32");
  const refused: [() => unknown, RegExp][] = [
    [() => add(x, y), /Add.*\[3, 4\].*\[3, 5\]/],
    [() => mul(x, ids), /Mul.*float32 \[3, 4\].*int32 \[3\]/],
    [() => exp(ids), /Exp.*int32/],
    [() => where(x, x, x), /Where takes bool/],
    [() => sum(x, { axes: [2] }), /ReduceSum.*\[2\].*\[3, 4\]/],
    [() => expand(x, [3, 8]), /Expand.*\[3, 4\].*\[3, 8\]/],
    [() => reshape(x, [5, 2]), /Reshape.*\[3, 4\].*\[5, 2\]/],
    [() => transpose(x, [0, 0]), /Transpose.*\[0, 0\].*\[3, 4\]/],
    [() => split(x, 1, [3, 2]), /Split.*\[3, 2\].*\[3, 4\]/],
    [() => concat([x, y], 0), /Concat.*\[3, 4\].*\[3, 5\]/],
    [() => linear(x, y), /linear.*\[3, 5\].*\[3, 4\]/],
    [() => linear(x, graph.input("w", [2, 4]), graph.input("b", [4])), /linear.*bias \[4\]/],
    [() => matmul(x, y), /matmul.*\[3, 4\].*\[3, 5\]/],
    [() => matmulTransposed(x, y), /matmulTransposed.*\[3, 4\].*\[3, 5\]/],
    [() => rmsNorm(x, ids, 1e-6), /rmsNorm.*\[3, 4\].*\[3\]/],
    [() => swiGlu(x, y), /swiGlu.*\[3, 4\].*\[3, 5\]/],
    [() => rotary(y, x, x), /rotary.*\[3, 5\]/],
    [() => embedding(x, y), /embedding takes int32/],
    [() => oneHot(x, 4), /oneHot takes int32/],
    [() => tokenLogprobs(x, graph.input("targets", [2], "int32")), /tokenLogprobs.*\[3, 4\].*\[2\]/],
    [() => graph.input("x", [1]), /already.*"x"/],
    [() => graph.input("empty", [0, 2]), /empty.*\[0, 2\]/],
    [() => graph.constant([1, 2], [3]), /constant.*\[3\].*2 values/],
    [() => add(x, new Graph("other").input("x", [3, 4])), /Add.*another graph/],
    [() => grad(x, [x]), /loss.*\[3, 4\]/],
  ];
  for (const [build, message] of refused)
    assert.throws(build, (error) => error instanceof InvalidInputError && message.test(error.message), String(message));
});

test("an encoded graph holds what its outputs need and keeps all its inputs", () => {
  const graph = new Graph("lean");
  const x = graph.input("x", [64, 64]);
  graph.input("unused", []);
  graph.output("y", add(x, 1));
  const lean = encode(graph);
  linear(x, graph.constant(new Float32Array(4096), [64, 64]));
  assert.equal(encode(graph).onnx.length, lean.onnx.length);
  assert.deepEqual(lean.inputs, [
    { name: "x", shape: [64, 64], dtype: "float32" },
    { name: "unused", shape: [], dtype: "float32" },
  ]);
  assert.deepEqual(lean.outputs, [{ name: "y", shape: [64, 64], dtype: "float32" }]);
});

test("an input, a constant and one tensor under two names can be outputs", async () => {
  const graph = new Graph("names");
  const x = graph.input("x", [2]);
  const y = add(x, 1);
  graph.output("same", x);
  graph.output("one", graph.scalar(1));
  graph.output("y", y);
  graph.output("again", y);
  const outputs = await runGraph(graph, { x: [1, 2] });
  assert.deepEqual(Array.from(outputs.same!), [1, 2]);
  assert.deepEqual(Array.from(outputs.one!), [1]);
  assert.deepEqual(Array.from(outputs.y!), [2, 3]);
  assert.deepEqual(Array.from(outputs.again!), [2, 3]);
});

test("stopGradient holds a value constant, and unrelated parameters get zeros", async () => {
  const graph = new Graph("stop");
  const x = graph.input("x", [3]);
  const other = graph.input("other", [2, 2]);
  const [dx, dOther] = grad(sum(mul(x, stopGradient(mul(x, x)))), [x, other]) as [Tensor, Tensor];
  graph.output("dx", dx);
  graph.output("dOther", dOther);
  const outputs = await runGraph(graph, { x: [1, 2, 3] });
  assert.deepEqual(Array.from(outputs.dx!), [1, 4, 9]);
  assert.deepEqual(Array.from(outputs.dOther!), [0, 0, 0, 0]);
});

test("comparisons, clip and one-hot have the values of their definitions, at the edges too", async () => {
  const graph = new Graph("values");
  const x = graph.input("x", [4]);
  graph.output("clipped", clip(x, graph.input("low", []), graph.input("high", [])));
  graph.output("less", toFloat(less(x, 1)));
  graph.output("equal", toFloat(equal(x, 1)));
  graph.output("oneHot", oneHot(graph.input("ids", [2], "int32"), 3));
  const clippedSum = sum(clip(x, -1, 1));
  graph.output("slope", grad(clippedSum, [x])[0]!);
  const outputs = await runGraph(graph, { x: [-2, -1, 1, Number.NaN], low: -1.5, high: 0.5, ids: [2, 0] });
  assert.deepEqual(Array.from(outputs.clipped!.slice(0, 3)), [-1.5, -1, 0.5]);
  assert.deepEqual(Array.from(outputs.less!), [1, 1, 0, 0]);
  assert.deepEqual(Array.from(outputs.equal!), [0, 0, 1, 0]);
  assert.deepEqual(Array.from(outputs.oneHot!), [0, 0, 1, 1, 0, 0]);
  assert.deepEqual(Array.from(outputs.slope!.slice(0, 3)), [0, 1, 1], "a value on a bound still has its gradient");
});
