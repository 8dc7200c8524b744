import { InferenceSession, Tensor } from "onnxruntime-node-gpu";
import type { DType, EncodedGraph } from "../graph/encoded.ts";
import { copyGraph, permutationGraph, prefixGraph, rowUpdateGraph, skippedRow } from "./buffer-programs.ts";
import type { Backend, Requests, WireInput, WireRun } from "./protocol.ts";
import { sessionOptions } from "./sessions.ts";
import { elementCount, zeros } from "./tensors.ts";
import type { TypedArray } from "./types.ts";

type Tensors = Readonly<Record<string, Tensor>>;

interface DeviceBuffer {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Always on the device. */
  tensor: Tensor;
}

/**
 * Sessions of one graph, one for each set of outputs that come back to the host: the runtime binds the place of an
 * output when the session is made, and then insists on producing all of them.
 */
class Sessions {
  readonly graph: EncodedGraph;
  readonly #options: InferenceSession.SessionOptions;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  /** Key of a session that was made to see whether the graph is sound, until the first run shows what is needed. */
  #trial: string | undefined;

  constructor(graph: EncodedGraph, options: InferenceSession.SessionOptions) {
    this.graph = graph;
    this.#options = options;
  }

  /** Makes a first session; throws when the runtime refuses the graph. */
  async try(): Promise<void> {
    await this.#session(new Set());
    this.#trial = [...this.#sessions.keys()][0];
  }

  /** Runs the graph; its outputs stay on the device, but for the fetched ones (and float64, which it cannot hold). */
  async run(feeds: Tensors, fetched: ReadonlySet<string>): Promise<Tensors> {
    return (await this.#session(fetched)).run(feeds);
  }

  async #session(fetched: ReadonlySet<string>): Promise<InferenceSession> {
    const places = Object.fromEntries(
      this.graph.outputs.map(({ name, dtype }) => [
        name,
        fetched.has(name) || dtype === "float64" ? ("cpu" as const) : ("gpu-buffer" as const),
      ]),
    );
    const key = Object.values(places).join();
    let session = this.#sessions.get(key);
    if (!session) {
      session = InferenceSession.create(this.graph.onnx, { ...this.#options, preferredOutputLocation: places });
      this.#sessions.set(key, session);
    }
    if (this.#trial && this.#trial !== key) {
      await (await this.#sessions.get(this.#trial))?.release();
      this.#sessions.delete(this.#trial);
    }
    this.#trial = undefined;
    return session;
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }
}

/**
 * Buffers as tensors on a WebGPU device. The binding cannot download such a tensor (asking for its data aborts the
 * process), write into it, or look at a part of it, so small programs do all of this; a stored output simply becomes
 * the buffer's new tensor.
 */
export class WebGpuBackend implements Backend {
  readonly #options: InferenceSession.SessionOptions;
  readonly #programs = new Map<number, Sessions>();
  readonly #helpers = new Map<string, Sessions>();
  readonly #buffers = new Map<number, DeviceBuffer>();

  constructor(threads: number) {
    this.#options = sessionOptions("webgpu", threads);
  }

  async load({ program, graph }: Requests["load"]["send"]): Promise<undefined> {
    const sessions = new Sessions(graph, this.#options);
    await sessions.try();
    this.#programs.set(program, sessions);
  }

  async unload({ program }: Requests["unload"]["send"]): Promise<undefined> {
    await this.#programs.get(program)?.release();
    this.#programs.delete(program);
  }

  async run({ program, inputs, fetch, store, updateRows }: WireRun): Promise<TypedArray[]> {
    const sessions = this.#programs.get(program)!;
    const { graph } = sessions;
    const feeds: Record<string, Tensor> = {};
    const temporary: Tensor[] = [];
    for (const [i, { name, dtype, shape }] of graph.inputs.entries()) {
      const { tensor, fresh } = await this.#tensor(inputs[i]!, dtype, shape);
      feeds[name] = tensor;
      if (fresh) temporary.push(tensor);
    }
    const fetched = new Set(fetch);
    const outputs = await sessions.run(feeds, fetched);
    const kept = new Set<Tensor>();
    for (const { output, buffer, positions } of updateRows)
      await this.#updateRows(this.#buffers.get(buffer)!, outputs[output]!, positions);
    for (const [output, buffer] of store) {
      // An output that is also fetched is on the host, and one that is stored twice is taken: both are copied.
      const tensor = outputs[output]!;
      const own = tensor.location === "gpu-buffer" && !kept.has(tensor);
      this.#replace(this.#buffers.get(buffer)!, own ? tensor : await this.#copy(tensor));
      if (own) kept.add(tensor);
    }
    for (const tensor of [...temporary, ...Object.values(outputs)])
      if (tensor.location === "gpu-buffer" && !kept.has(tensor)) tensor.dispose();
    return fetch.map((name) => outputs[name]!.data as TypedArray);
  }

  async create({ buffer, dtype, shape, data }: Requests["create"]["send"]): Promise<undefined> {
    const host = new Tensor(dtype, data ?? zeros(dtype, elementCount(shape)), shape);
    this.#buffers.set(buffer, { dtype, shape, tensor: await this.#copy(host) });
  }

  async read({ buffer }: Requests["read"]["send"]): Promise<TypedArray> {
    const { dtype, shape, tensor } = this.#buffers.get(buffer)!;
    const graph = () => copyGraph({ dtype, shape });
    const { to } = await this.#help(`copy ${dtype} ${shape}`, graph, { from: tensor }, "cpu");
    return to!.data as TypedArray;
  }

  async write({ buffer, data }: Requests["write"]["send"]): Promise<undefined> {
    const target = this.#buffers.get(buffer)!;
    this.#replace(target, await this.#copy(new Tensor(target.dtype, data, target.shape)));
  }

  async moveRows({ buffer, from, to }: Requests["moveRows"]["send"]): Promise<undefined> {
    const target = this.#buffers.get(buffer)!;
    const { dtype, shape, tensor } = target;
    const rows = Int32Array.from({ length: shape[0]! }, (_, row) => row);
    to.forEach((row, i) => {
      rows[row] = from[i]!;
    });
    const feeds = { from: tensor, rows: new Tensor("int32", rows, [rows.length]) };
    const moved = await this.#help(`move ${dtype} ${shape}`, () => permutationGraph({ dtype, shape }), feeds);
    this.#replace(target, moved.to!);
  }

  async clone({ buffer, copy }: Requests["clone"]["send"]): Promise<undefined> {
    const { dtype, shape, tensor } = this.#buffers.get(buffer)!;
    this.#buffers.set(copy, { dtype, shape, tensor: await this.#copy(tensor) });
  }

  async dispose({ buffers }: Requests["dispose"]["send"]): Promise<undefined> {
    for (const buffer of buffers) {
      this.#buffers.get(buffer)?.tensor.dispose();
      this.#buffers.delete(buffer);
    }
  }

  async close(): Promise<void> {
    for (const { tensor } of this.#buffers.values()) tensor.dispose();
    for (const sessions of [...this.#programs.values(), ...this.#helpers.values()]) await sessions.release();
  }

  #replace(buffer: DeviceBuffer, tensor: Tensor): void {
    buffer.tensor.dispose();
    buffer.tensor = tensor;
  }

  /** A tensor of its own on the device, from the host or from the device. */
  async #copy(tensor: Tensor): Promise<Tensor> {
    const kind = { dtype: tensor.type as DType, shape: tensor.dims };
    return (await this.#help(`copy ${kind.dtype} ${kind.shape}`, () => copyGraph(kind), { from: tensor })).to!;
  }

  async #updateRows(target: DeviceBuffer, rows: Tensor, positions: Int32Array): Promise<void> {
    const reachable = positions.map((position) => (position < 0 ? skippedRow : position));
    const feeds = {
      cache: target.tensor,
      rows,
      positions: new Tensor("int32", reachable, [positions.length, 1, 1, 1]),
    };
    const graph = () => rowUpdateGraph(target.dtype, target.shape, rows.dims);
    const key = `rows ${target.dtype} ${target.shape} ${rows.dims}`;
    this.#replace(target, (await this.#help(key, graph, feeds)).to!);
  }

  /** Runs a helper program, made on first use, whose output stays on the device or comes back to the host. */
  async #help(
    key: string,
    graph: () => EncodedGraph,
    feeds: Tensors,
    place: "cpu" | "gpu-buffer" = "gpu-buffer",
  ): Promise<Tensors> {
    let sessions = this.#helpers.get(key);
    if (!sessions) {
      sessions = new Sessions(graph(), this.#options);
      this.#helpers.set(key, sessions);
    }
    return sessions.run(feeds, new Set(place === "cpu" ? ["to"] : []));
  }

  async #tensor(
    input: WireInput,
    dtype: DType,
    shape: readonly number[],
  ): Promise<{ readonly tensor: Tensor; readonly fresh: boolean }> {
    if (typeof input === "number") return { tensor: this.#buffers.get(input)!.tensor, fresh: false };
    if (!Array.isArray(input)) return { tensor: new Tensor(dtype, input as TypedArray, shape), fresh: true };
    const [id, rows] = input as readonly [number, number];
    const { tensor, shape: full } = this.#buffers.get(id)!;
    if (rows === full[0]) return { tensor, fresh: false };
    const key = `prefix ${dtype} ${full} ${rows}`;
    const { to } = await this.#help(key, () => prefixGraph({ dtype, shape: full }, rows), { from: tensor });
    return { tensor: to!, fresh: true };
  }
}
