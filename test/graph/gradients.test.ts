import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import * as activation from "../../src/graph/activation.ts";
import * as elementwise from "../../src/graph/elementwise.ts";
import { grad } from "../../src/graph/grad.ts";
import * as linearAlgebra from "../../src/graph/linear.ts";
import * as normalization from "../../src/graph/normalization.ts";
import * as reduce from "../../src/graph/reduce.ts";
import * as rotaryEmbedding from "../../src/graph/rotary.ts";
import * as shape from "../../src/graph/shape.ts";
import { Graph, type Shape, sizeOf, type Tensor } from "../../src/graph/tensor.ts";
import * as tokens from "../../src/graph/tokens.ts";
import { Runner } from "./runtime.ts";

const { add, clip, div, exp, greater, less, log, maximum, minimum, mul, neg, sigmoid, sqrt, sub, where } = elementwise;
const { softmax, swiGlu } = activation;
const { linear, matmul, matmulTransposed } = linearAlgebra;
const { rmsNorm } = normalization;
const { expand, mean, rowSum, sum, sumOfSquares } = reduce;
const { rotary, rotaryTables } = rotaryEmbedding;
const { concat, reshape, split, transpose } = shape;
const { embedding, tokenLogprobs } = tokens;

/** An operator with the shapes of its differentiable inputs; `positive` keeps them away from 0. */
interface Case {
  name: string;
  inputs: Shape[];
  positive?: boolean;
  apply: (...inputs: Tensor[]) => Tensor | Tensor[];
}

const ids = (like: Tensor, values: number[]) => like.graph.constant(values, [values.length], "int32");
const tables = rotaryTables(3, 4, 100);
const turn = (x: Tensor) => rotary(x, x.graph.constant(tables.cos, [3, 4]), x.graph.constant(tables.sin, [3, 4]));

const cases: Case[] = [
  { name: "add", inputs: [[3, 4], [4]], apply: add },
  { name: "add a number", inputs: [[3, 4]], apply: (x) => add(2, x) },
  {
    name: "sub",
    inputs: [
      [3, 4],
      [3, 1],
    ],
    apply: sub,
  },
  { name: "mul", inputs: [[3, 4], []], apply: mul },
  { name: "mul by itself", inputs: [[3, 4]], apply: (x) => mul(x, x) },
  {
    name: "div",
    inputs: [
      [3, 1],
      [2, 3, 4],
    ],
    positive: true,
    apply: div,
  },
  { name: "minimum", inputs: [[3, 4], [4]], apply: minimum },
  {
    name: "maximum",
    inputs: [
      [3, 1],
      [3, 4],
    ],
    apply: maximum,
  },
  { name: "neg", inputs: [[5]], apply: neg },
  { name: "exp", inputs: [[5]], apply: exp },
  { name: "log", inputs: [[5]], positive: true, apply: log },
  { name: "sqrt", inputs: [[5]], positive: true, apply: sqrt },
  { name: "sigmoid", inputs: [[5]], apply: sigmoid },
  { name: "clip between inputs", inputs: [[6, 4], [], []], apply: (x, a, b) => clip(x, sub(a, 1), add(b, 1)) },
  { name: "clip between numbers", inputs: [[6, 4]], apply: (x) => clip(x, -0.5, 0.5) },
  { name: "where", inputs: [[3, 4], [4]], apply: (x, y) => where(less(x, 0.1), mul(x, 2), y) },
  { name: "where over a number", inputs: [[3, 4]], apply: (x) => where(greater(x, 0), x, 0) },
  { name: "sum", inputs: [[2, 3, 4]], apply: (x) => sum(x) },
  { name: "sum over axes", inputs: [[2, 3, 4]], apply: (x) => sum(x, { axes: [0, -1] }) },
  { name: "sum, axes kept", inputs: [[2, 3, 4]], apply: (x) => sum(x, { axes: [1], keepAxes: true }) },
  { name: "rowSum", inputs: [[2, 5]], apply: rowSum },
  { name: "mean", inputs: [[2, 3, 4]], apply: (x) => mean(x, { axes: [1] }) },
  { name: "sumOfSquares", inputs: [[2, 3]], apply: sumOfSquares },
  { name: "expand", inputs: [[3, 1]], apply: (x) => expand(x, [2, 3, 4]) },
  { name: "reshape", inputs: [[2, 6]], apply: (x) => reshape(x, [3, 4]) },
  { name: "transpose", inputs: [[2, 3, 4]], apply: (x) => transpose(x, [2, 0, 1]) },
  { name: "split", inputs: [[2, 7]], apply: (x) => split(x, 1, [3, 4]) },
  { name: "split, one piece used", inputs: [[2, 7]], apply: (x) => split(x, 1, [3, 4])[1]! },
  {
    name: "concat",
    inputs: [
      [2, 3],
      [2, 4],
    ],
    apply: (x, y) => concat([x, y], 1),
  },
  {
    name: "linear",
    inputs: [
      [5, 3],
      [4, 3],
    ],
    apply: (x, w) => linear(x, w),
  },
  { name: "linear with bias", inputs: [[5, 3], [4, 3], [4]], apply: linear },
  {
    name: "matmul",
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    apply: matmul,
  },
  {
    name: "matmulTransposed",
    inputs: [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
    ],
    apply: matmulTransposed,
  },
  { name: "rmsNorm", inputs: [[5, 6], [6]], apply: (x, w) => rmsNorm(x, w, 1e-6) },
  {
    name: "swiGlu",
    inputs: [
      [3, 4],
      [3, 4],
    ],
    apply: swiGlu,
  },
  { name: "softmax", inputs: [[2, 3, 4]], apply: softmax },
  { name: "rotary", inputs: [[2, 3, 4]], apply: turn },
  { name: "embedding", inputs: [[5, 3]], apply: (x) => embedding(x, ids(x, [4, 0, 4, 2])) },
  { name: "tokenLogprobs", inputs: [[3, 5]], apply: (x) => tokenLogprobs(x, ids(x, [4, 0, 2])).logprobs },
  { name: "entropy", inputs: [[3, 5]], apply: (x) => tokenLogprobs(x, ids(x, [4, 0, 2])).entropy },
  {
    name: "tokenLogprobs and entropy",
    inputs: [[3, 5]],
    apply: (x) => Object.values(tokenLogprobs(x, ids(x, [4, 0, 2]))),
  },
];

test("every operator's gradient equals finite differences in float64", async (t) => {
  const step = 1e-6;
  for (const { name, inputs, apply, positive } of cases) {
    await t.test(name, async () => {
      const stream = new RandomStream(1, name);
      const draw = () => (positive ? 0.5 + stream.next() : stream.normal());
      const graph = new Graph(name, { dtype: "float64" });
      const tensors = inputs.map((shape, i) => graph.input(`x${i}`, shape));
      const results = [apply(...tensors)].flat();
      // A random weighted sum of the results makes one number that depends on every entry in its own way.
      const parts = results.map((result) =>
        sum(mul(result, graph.constant(Float64Array.from({ length: sizeOf(result.shape) }, draw), result.shape))),
      );
      const loss = parts.reduce((total, part) => add(total, part));
      graph.output("loss", loss);
      grad(loss, tensors).forEach((gradient, i) => {
        assert.deepEqual(gradient.shape, inputs[i]);
        graph.output(`d${i}`, gradient);
      });
      const values = Object.fromEntries(
        inputs.map((shape, i) => [`x${i}`, Float64Array.from({ length: sizeOf(shape) }, draw)]),
      );
      const runner = await Runner.load(graph);
      const outputs = await runner.run(values);
      for (const [i, shape] of inputs.entries())
        for (let at = 0; at < sizeOf(shape); at++) {
          const array = values[`x${i}`]!;
          const original = array[at]!;
          const lossAt = async (value: number) => {
            array[at] = value;
            return (await runner.run(values)).loss![0]!;
          };
          const numeric = ((await lossAt(original + step)) - (await lossAt(original - step))) / (2 * step);
          array[at] = original;
          const exact = outputs[`d${i}`]![at]!;
          assert.ok(
            Math.abs(numeric - exact) <= 1e-7 * Math.max(1, Math.abs(exact)),
            `${name}, input ${i}, entry ${at}: gradient ${exact}, finite difference ${numeric}`,
          );
        }
      await runner.release();
    });
  }
});

test("the table has a case for every operator that has a gradient", () => {
  const files = [activation, elementwise, linearAlgebra, normalization, reduce, rotaryEmbedding, shape, tokens];
  const without =
    /^(broadcastShape|less|greater|equal|toFloat|stopGradient|constant.*|sumTo|int64s|zeros|rotaryTables|oneHot)$/;
  for (const name of files.flatMap((file) => Object.keys(file)))
    if (!without.test(name))
      assert.ok(
        cases.some((entry) => entry.name.split(/[ ,]/)[0] === name),
        name,
      );
});
