import { inspect } from "node:util";
import { formatNumber } from "./format.ts";

type Numbers = ArrayLike<number | bigint>;

/** Typed arrays up to this length are printed whole. */
const maxWhole = 100;
const firstValues = 10;
/** More elements are not looked at, so that a gigabyte does not hold up the cell. */
const maxScanned = 2 ** 24;

interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: string;
  /** Undefined where the data is not in memory, as on a GPU. */
  readonly data: Numbers | readonly string[] | undefined;
  readonly location: string | undefined;
}

/**
 * Text for a tensor (an object with `dims`, `type` and `data`, as ONNX Runtime's) or a long typed array: type, shape,
 * range, mean, how many values are not finite, and the first values. Undefined for all else.
 */
export function tensorText(value: object): string | undefined {
  const tensor = readTensor(value);
  if (tensor) return textOf(tensor);
  if (!isTypedArray(value) || Buffer.isBuffer(value) || value.length <= maxWhole) return undefined;
  const head = `${value.constructor.name}(${value.length})`;
  return `${[head, ...statistics(value)].join(" · ")}\n${beginning(value)}`;
}

function isTypedArray(value: unknown): value is Numbers & object {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function readTensor(value: object): Tensor | undefined {
  if (Array.isArray(value) || isTypedArray(value)) return undefined;
  const { dims, type, location } = value as Record<string, unknown>;
  if (!Array.isArray(dims) || !dims.every((size) => Number.isInteger(size) && size >= 0)) return undefined;
  if (typeof type !== "string" || !("data" in value)) return undefined;
  const name = value.constructor?.name ?? "Tensor";
  const head = { name: name === "Object" ? "Tensor" : name, dims: dims as number[], type };
  const place = typeof location === "string" && location !== "cpu" ? location : undefined;
  let data: unknown;
  try {
    data = (value as { data: unknown }).data;
  } catch {
    return { ...head, location: place ?? "not in memory", data: undefined };
  }
  if (!isTypedArray(data) && !Array.isArray(data)) return undefined;
  return { ...head, location: place, data: type === "float16" && data instanceof Uint16Array ? fromHalf(data) : data };
}

function textOf({ name, dims, type, data, location }: Tensor): string {
  const head = [name, type, `[${dims.join(", ")}]`, ...(location ? [location] : [])];
  if (!data) return head.join(" · ");
  const size = dims.reduce((product, length) => product * length, 1);
  if (size !== data.length) head.push(`but ${formatNumber(data.length)} values`);
  const figures = typeof data[0] === "string" ? [] : statistics(data as Numbers);
  const whole = size === data.length && size <= maxWhole && size > 0;
  const values = whole ? inspect(nested(dims, data), { depth: 8, breakLength: 100 }) : beginning(data);
  return `${[...head, ...figures].join(" · ")}\n${values}`;
}

/** Range and mean of the finite values, and how many are not. */
function statistics(values: Numbers): string[] {
  const count = Math.min(values.length, maxScanned);
  if (count === 0) return [];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let missing = 0;
  let infinite = 0;
  for (let i = 0; i < count; i++) {
    const value = Number(values[i]);
    if (Number.isFinite(value)) {
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
    } else if (Number.isNaN(value)) missing++;
    else infinite++;
  }
  const finite = count - missing - infinite;
  const range = finite > 0 ? [`min ${short(min)}`, `max ${short(max)}`, `mean ${short(sum / finite)}`] : [];
  return [
    ...range,
    ...(missing > 0 ? [`${formatNumber(missing)} NaN`] : []),
    ...(infinite > 0 ? [`${formatNumber(infinite)} infinite`] : []),
    ...(count < values.length ? [`(of the first ${formatNumber(count)} values)`] : []),
  ];
}

const short = (value: number | bigint): string =>
  typeof value === "bigint" ? String(value) : String(Number(value.toPrecision(5)));

function beginning(values: Numbers | readonly string[]): string {
  const first = Array.from({ length: Math.min(firstValues, values.length) }, (_, i) => {
    const value = values[i]!;
    return typeof value === "string" ? JSON.stringify(value) : short(value);
  });
  const rest = values.length - first.length;
  return `[${first.join(", ")}${rest > 0 ? `, … ${formatNumber(rest)} more` : ""}]`;
}

/** Rows within rows, as the shape says. */
function nested(dims: readonly number[], data: ArrayLike<unknown>, start = 0): unknown {
  if (dims.length === 0) return rounded(data[start]);
  const [length, ...inner] = dims as [number, ...number[]];
  const step = inner.reduce((product, size) => product * size, 1);
  return Array.from({ length }, (_, i) => nested(inner, data, start + i * step));
}

const rounded = (value: unknown): unknown => (typeof value === "number" ? Number(value.toPrecision(5)) : value);

/** IEEE 754 half precision to numbers. */
function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves.subarray(0, maxScanned), (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}
