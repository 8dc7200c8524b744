import { InvalidInputError } from "../base/errors.ts";
import type { DType } from "./encoded.ts";
import { sumTo } from "./reduce.ts";
import { derived, expectTensor, floats, type Operand, type Shape, shapeText, Tensor } from "./tensor.ts";

/** The shape of two tensors broadcast against each other, as NumPy does. */
export function broadcastShape(operator: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[a.length - rank + axis] ?? 1;
    const y = b[b.length - rank + axis] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new InvalidInputError(`${operator} cannot broadcast the shapes ${shapeText(a)} and ${shapeText(b)}.`);
    return Math.max(x, y);
  });
}

/** Both operands as tensors of one graph and type. */
function pair(operator: string, a: Operand, b: Operand, dtypes: readonly DType[] = floats): [Tensor, Tensor] {
  const known = a instanceof Tensor ? a : b;
  if (!(known instanceof Tensor)) throw new InvalidInputError(`${operator} needs at least one tensor.`);
  const [x, y] = [a, b].map((operand) =>
    operand instanceof Tensor ? operand : known.graph.scalar(operand, known.dtype),
  ) as [Tensor, Tensor];
  if (x.dtype !== y.dtype)
    throw new InvalidInputError(
      `${operator} was given ${x.dtype} ${shapeText(x.shape)} and ${y.dtype} ${shapeText(y.shape)}; types must agree.`,
    );
  expectTensor(operator, x, dtypes);
  return [x, y];
}

function binary(
  operator: string,
  a: Operand,
  b: Operand,
  vjp: (gradient: Tensor, x: Tensor, y: Tensor, result: Tensor) => [Tensor, Tensor],
): Tensor {
  const [x, y] = pair(operator, a, b);
  const result = x.graph.emit(operator, [x, y], broadcastShape(operator, x.shape, y.shape));
  return derived(result, [x, y], (gradient) => {
    const [dx, dy] = vjp(gradient, x, y, result);
    return [sumTo(dx, x.shape), sumTo(dy, y.shape)];
  });
}

function unary(operator: string, x: Tensor, vjp: (gradient: Tensor, result: Tensor) => Tensor): Tensor {
  expectTensor(operator, x, floats);
  const result = x.graph.emit(operator, [x], x.shape);
  return derived(result, [x], (gradient) => [vjp(gradient, result)]);
}

function comparison(operator: string, a: Operand, b: Operand): Tensor {
  const [x, y] = pair(operator, a, b, [...floats, "int32"]);
  return x.graph.emit(operator, [x, y], broadcastShape(operator, x.shape, y.shape), { dtype: "bool" });
}

/** a + b, broadcast. */
export const add = (a: Operand, b: Operand): Tensor => binary("Add", a, b, (d) => [d, d]);

/** a - b, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => binary("Sub", a, b, (d) => [d, neg(d)]);

/** a · b, element by element, broadcast. */
export const mul = (a: Operand, b: Operand): Tensor => binary("Mul", a, b, (d, x, y) => [mul(d, y), mul(d, x)]);

/** a / b, broadcast. */
export const div = (a: Operand, b: Operand): Tensor =>
  binary("Div", a, b, (d, _x, y, result) => [div(d, y), neg(div(mul(d, result), y))]);

/** The smaller of two, broadcast; where they are equal the gradient goes to `a`. */
export const minimum = (a: Operand, b: Operand): Tensor => binary("Min", a, b, (d, x, y) => chosen(d, less(y, x)));

/** The larger of two, broadcast; where they are equal the gradient goes to `a`. */
export const maximum = (a: Operand, b: Operand): Tensor => binary("Max", a, b, (d, x, y) => chosen(d, less(x, y)));

/** Splits a gradient between two candidates: to the second where `second` holds. */
const chosen = (d: Tensor, second: Tensor): [Tensor, Tensor] => [where(second, 0, d), where(second, d, 0)];

export const neg = (x: Tensor): Tensor => unary("Neg", x, (d) => neg(d));
export const exp = (x: Tensor): Tensor => unary("Exp", x, (d, y) => mul(d, y));
export const log = (x: Tensor): Tensor => unary("Log", x, (d) => div(d, x));
export const sqrt = (x: Tensor): Tensor => unary("Sqrt", x, (d, y) => div(d, mul(y, 2)));
export const sigmoid = (x: Tensor): Tensor => unary("Sigmoid", x, (d, y) => mul(d, mul(y, sub(1, y))));

/** a < b as bool; numbers or ids. */
export const less = (a: Operand, b: Operand): Tensor => comparison("Less", a, b);

/** a > b as bool; numbers or ids. */
export const greater = (a: Operand, b: Operand): Tensor => comparison("Greater", a, b);

/** a = b as bool; numbers or ids. */
export const equal = (a: Operand, b: Operand): Tensor => comparison("Equal", a, b);

/** `a` where the condition holds, else `b`, broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  expectTensor("Where", condition, ["bool"]);
  const [x, y] = typeof a === "number" && typeof b === "number" ? scalars(condition, a, b) : pair("Where", a, b);
  const shape = broadcastShape("Where", broadcastShape("Where", x.shape, y.shape), condition.shape);
  return derived(x.graph.emit("Where", [condition, x, y], shape, { dtype: x.dtype }), [x, y], (d) => [
    sumTo(where(condition, d, 0), x.shape),
    sumTo(where(condition, 0, d), y.shape),
  ]);
}

const scalars = ({ graph }: Tensor, a: number, b: number): [Tensor, Tensor] => [graph.scalar(a), graph.scalar(b)];

/** `x` limited to [low, high]; no gradient passes where it is outside. Bounds may be inputs. */
export const clip = (x: Tensor, low: Operand, high: Operand): Tensor => minimum(maximum(x, low), high);

/** A bool as 0 or 1 of the graph's float type. */
export function toFloat(x: Tensor): Tensor {
  expectTensor("Cast", x, ["bool", "int32"]);
  const dtype = x.graph.dtype;
  return x.graph.emit("Cast", [x], x.shape, { dtype, attributes: { to: dtype === "float32" ? 1 : 11 } });
}

/** The same values, taken as constant by differentiation. */
export function stopGradient(x: Tensor): Tensor {
  return x.graph.emit("Identity", [x], x.shape);
}
