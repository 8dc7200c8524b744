import { InferenceSession, Tensor } from "onnxruntime-node-gpu";
import type { Device } from "../base/context.ts";
import type { DType, EncodedGraph } from "../graph/encoded.ts";
import type { Backend, Requests, WireInput, WireRun } from "./protocol.ts";
import { sessionOptions } from "./sessions.ts";
import { elementCount, zeros } from "./tensors.ts";
import type { TypedArray } from "./types.ts";

interface LoadedProgram {
  readonly graph: EncodedGraph;
  readonly session: InferenceSession;
}

/** A buffer in host memory, with the tensor objects made of it so far (making them anew on every run costs time). */
class HostBuffer {
  readonly dtype: DType;
  readonly shape: readonly number[];
  #data: TypedArray;
  readonly #prefixes = new Map<number, Tensor>();

  constructor(dtype: DType, shape: readonly number[], data: TypedArray) {
    this.dtype = dtype;
    this.shape = shape;
    this.#data = data;
  }

  get data(): TypedArray {
    return this.#data;
  }

  /** Takes over an array as the new content. */
  set data(data: TypedArray) {
    this.#data = data;
    this.#prefixes.clear();
  }

  /** Elements in one row along the first axis. */
  get rowSize(): number {
    return elementCount(this.shape.slice(1));
  }

  /** The first `rows` rows; by default all of the buffer, whatever its rank. */
  tensor(rows = this.shape[0] ?? 1): Tensor {
    let tensor = this.#prefixes.get(rows);
    if (!tensor) {
      const shape = this.shape.length === 0 ? [] : [rows, ...this.shape.slice(1)];
      tensor = new Tensor(this.dtype, this.#data.subarray(0, elementCount(shape)), shape);
      this.#prefixes.set(rows, tensor);
    }
    return tensor;
  }
}

/**
 * Buffers as typed arrays in host memory. Serves the CPU, and CUDA too: the binding exchanges tensors with that
 * provider through host memory only.
 *
 * A stored output becomes the buffer's new array. The runtime copies every output into a fresh array anyway, even into
 * preallocated ones, so taking that array over costs nothing, and an update "in place" can never overwrite a value
 * that another node of the same run still has to read.
 */
export class HostBackend implements Backend {
  readonly #options: InferenceSession.SessionOptions;
  readonly #programs = new Map<number, LoadedProgram>();
  readonly #buffers = new Map<number, HostBuffer>();

  constructor(device: Device, threads: number) {
    this.#options = sessionOptions(device, threads);
  }

  async load({ program, graph }: Requests["load"]["send"]): Promise<undefined> {
    const session = await InferenceSession.create(graph.onnx, this.#options);
    this.#programs.set(program, { graph: { ...graph, onnx: new Uint8Array() }, session });
  }

  async unload({ program }: Requests["unload"]["send"]): Promise<undefined> {
    await this.#programs.get(program)?.session.release();
    this.#programs.delete(program);
  }

  async run({ program, inputs, fetch, store, updateRows }: WireRun): Promise<TypedArray[]> {
    const { graph, session } = this.#programs.get(program)!;
    const feeds: Record<string, Tensor> = {};
    graph.inputs.forEach(({ name, dtype, shape }, i) => {
      feeds[name] = this.#tensor(inputs[i]!, dtype, shape);
    });
    const wanted = new Set([...fetch, ...store.map(([output]) => output), ...updateRows.map(({ output }) => output)]);
    const outputs = await session.run(feeds, [...wanted]);
    const data = (output: string) => outputs[output]!.data as TypedArray;

    for (const { output, buffer, positions } of updateRows)
      writeRows(this.#buffers.get(buffer)!, data(output), positions);
    // The arrays of outputs change hands: the first taker gets the array, every other one a copy.
    const taken = new Set<string>();
    const take = (output: string) => {
      const array = data(output);
      if (taken.has(output)) return array.slice();
      taken.add(output);
      return array;
    };
    for (const [output, buffer] of store) this.#buffers.get(buffer)!.data = take(output);
    return fetch.map(take);
  }

  async create({ buffer, dtype, shape, data }: Requests["create"]["send"]): Promise<undefined> {
    this.#buffers.set(buffer, new HostBuffer(dtype, shape, data ?? zeros(dtype, elementCount(shape))));
  }

  async read({ buffer }: Requests["read"]["send"]): Promise<TypedArray> {
    return this.#buffers.get(buffer)!.data.slice();
  }

  async write({ buffer, data }: Requests["write"]["send"]): Promise<undefined> {
    this.#buffers.get(buffer)!.data = data;
  }

  async moveRows({ buffer, from, to }: Requests["moveRows"]["send"]): Promise<undefined> {
    const { data, rowSize } = this.#buffers.get(buffer)!;
    const rows = Array.from(from, (row) => data.slice(row * rowSize, (row + 1) * rowSize));
    rows.forEach((row, i) => {
      data.set(row as never, to[i]! * rowSize);
    });
  }

  async clone({ buffer, copy }: Requests["clone"]["send"]): Promise<undefined> {
    const { dtype, shape, data } = this.#buffers.get(buffer)!;
    this.#buffers.set(copy, new HostBuffer(dtype, shape, data.slice()));
  }

  async dispose({ buffers }: Requests["dispose"]["send"]): Promise<undefined> {
    for (const buffer of buffers) this.#buffers.delete(buffer);
  }

  async close(): Promise<void> {
    for (const { session } of this.#programs.values()) await session.release();
    this.#programs.clear();
    this.#buffers.clear();
  }

  #tensor(input: WireInput, dtype: DType, shape: readonly number[]): Tensor {
    if (typeof input === "number") return this.#buffers.get(input)!.tensor();
    if (Array.isArray(input)) return this.#buffers.get(input[0])!.tensor(input[1]);
    return new Tensor(dtype, input as TypedArray, shape);
  }
}

/**
 * Copies an output of shape `[rows, heads, steps, width]` into a buffer of shape `[slots, heads, length, width]`, row r
 * from `positions[r]` on.
 */
function writeRows(buffer: HostBuffer, rows: TypedArray, positions: Int32Array): void {
  const [, heads = 1, length = 1, width = 1] = buffer.shape;
  const span = rows.length / (positions.length * heads);
  const target = buffer.data;
  positions.forEach((position, row) => {
    if (position < 0) return;
    for (let head = row * heads; head < (row + 1) * heads; head++)
      copyElements(target, (head * length + position) * width, rows, head * span, span);
  });
}

/** Element by element: for spans as short as an attention head, faster than making a view and calling `set`. */
function copyElements(target: TypedArray, at: number, source: TypedArray, from: number, count: number): void {
  // Both hold the same element type (checked at the door), which the union of array types cannot say.
  const [to, of] = [target, source] as [Float32Array, Float32Array];
  for (let i = 0; i < count; i++) to[at + i] = of[from + i]!;
}
