import { availableParallelism } from "node:os";
import { z } from "zod";
import type { Device, LabContext } from "../base/context.ts";
import { DeviceError, InfrastructureError, InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import type { DType, EncodedGraph } from "../graph/encoded.ts";
import { chooseDevice } from "./device.ts";
import { checkData, checkMove, checkRun, foreignBuffer } from "./door.ts";
import { WorkerLink } from "./link.ts";
import { describeTensor, dtypes, postable } from "./tensors.ts";
import type { DeviceReport, EngineApi, EngineBuffer, HostTensor, Program, RunRequest, TypedArray } from "./types.ts";

/** How an engine starts. */
export interface EngineOptions {
  /** Default `"auto"`: the best device that works here. */
  readonly device?: "auto" | Device;
  /** Computing threads on the CPU. Default: the cores available, 4 at most. */
  readonly threads?: number | undefined;
  /** Gives up starting. */
  readonly signal?: AbortSignal | undefined;
}

/** Ids of programs and buffers; which engine a buffer belongs to. */
let lastId = 0;
const owners = new WeakMap<EngineBuffer, Engine>();

const bufferSpec = z.object({ dtype: z.enum(dtypes), shape: z.array(z.int().min(1)).max(8).readonly() });
const threadCount = z.int().min(1).max(256);

/**
 * Runs graphs on one device. A worker thread owns all sessions and buffers and takes one request after another in the
 * order asked, so the caller's thread stays responsive. An idle engine does not keep the process alive.
 */
export class Engine implements EngineApi {
  readonly report: DeviceReport;
  readonly #link: WorkerLink;
  readonly #alive = new WeakSet<EngineBuffer>();
  /** Frees what a notebook forgets. Requests are handled in order, so no run that was asked for loses its buffers. */
  readonly #forgotten = new FinalizationRegistry<() => Promise<unknown>>((free) => {
    free().catch(() => {}); // the engine is closed or lost, and with it the memory
  });

  private constructor(report: DeviceReport, link: WorkerLink) {
    this.report = report;
    this.#link = link;
  }

  /**
   * @throws DeviceError for an unknown device or one that does not work here; InvalidInputError for a bad number of
   * threads; InterruptedError when the signal was aborted first.
   */
  static async start({ device = "auto", threads, signal }: EngineOptions = {}): Promise<Engine> {
    const count = threads === undefined ? defaultThreads() : parseInput(threadCount, threads, "number of threads");
    if (signal?.aborted) throw new InterruptedError();
    const choice = await chooseDevice(device, count);
    const link = new WorkerLink({ device: choice.device, threads: count });
    const { runtimeVersion } = await link.ready;
    if (signal?.aborted) {
      await link.close();
      throw new InterruptedError();
    }
    return new Engine({ requested: device, ...choice, threads: count, runtimeVersion }, link);
  }

  /** @throws InvalidInputError when the runtime refuses the graph. */
  async load(graph: EncodedGraph): Promise<Program> {
    const program = ++lastId;
    const what = `Loading program "${graph.name}"`;
    try {
      await this.#link.request("load", { program, graph: { ...graph, onnx: postable(graph.onnx) } }, what);
    } catch (error) {
      if (!(error instanceof InfrastructureError) || this.#link.failed) throw error;
      throw new InvalidInputError(error.message, "The graph is damaged or uses what this device lacks.", error);
    }
    const unload = () => this.#link.request("unload", { program }, `Disposing of program "${graph.name}"`);
    let disposed = false;
    const loaded: Program = {
      graph,
      run: async (request) => {
        if (disposed) throw new InvalidInputError(`Program "${graph.name}" was disposed.`);
        return this.#run(graph, program, request);
      },
      dispose: async () => {
        if (disposed) return;
        disposed = true;
        this.#forgotten.unregister(loaded);
        await unload();
      },
    };
    this.#forgotten.register(loaded, unload, loaded);
    return loaded;
  }

  async #run(graph: EncodedGraph, program: number, request: RunRequest): Promise<Record<string, HostTensor>> {
    const run = checkRun(this, graph, program, request);
    const arrays = await this.#link.request("run", run, `Program "${graph.name}"`);
    const specs = new Map(graph.outputs.map((spec) => [spec.name, spec]));
    return Object.fromEntries(
      run.fetch.map((name, i) => {
        const { dtype, shape } = specs.get(name)!;
        return [name, { dtype, shape, data: arrays[i]! }];
      }),
    );
  }

  async createBuffer(spec: { dtype: DType; shape: readonly number[] }, data?: TypedArray): Promise<EngineBuffer> {
    const { dtype, shape } = parseInput(bufferSpec, spec, "buffer");
    if (dtype === "float64" && this.report.device === "webgpu")
      throw new DeviceError("A WebGPU device holds no float64.", `Use float32, or an engine on "cpu".`);
    if (data) checkData(data, { dtype, shape }, "A buffer");
    const buffer = this.#newBuffer(dtype, shape);
    const body = { buffer: buffer.id, dtype, shape, ...(data && { data: postable(data) }) };
    await this.#link.request("create", body, `Creating a buffer of ${describeTensor(buffer)}`);
    return buffer;
  }

  async read(buffer: EngineBuffer): Promise<HostTensor> {
    const { id, dtype, shape } = this.admit(buffer, "Reading");
    const data = await this.#link.request("read", { buffer: id }, `Reading a buffer of ${describeTensor(buffer)}`);
    return { dtype, shape, data };
  }

  async write(buffer: EngineBuffer, data: TypedArray): Promise<void> {
    const { id } = this.admit(buffer, "Writing");
    checkData(data, buffer, "A buffer");
    await this.#link.request("write", { buffer: id, data: postable(data) }, "Writing a buffer");
  }

  async moveRows(buffer: EngineBuffer, from: Int32Array, to: Int32Array): Promise<void> {
    const { id } = this.admit(buffer, "Moving rows");
    checkMove(buffer, from, to);
    if (from.length === 0) return;
    await this.#link.request("moveRows", { buffer: id, from: postable(from), to: postable(to) }, "Moving rows");
  }

  async clone(buffer: EngineBuffer): Promise<EngineBuffer> {
    const { id, dtype, shape } = this.admit(buffer, "Cloning");
    const copy = this.#newBuffer(dtype, shape);
    await this.#link.request("clone", { buffer: id, copy: copy.id }, "Cloning a buffer");
    return copy;
  }

  async dispose(buffers: readonly EngineBuffer[]): Promise<void> {
    const ids = buffers.map((buffer) => this.admit(buffer, "Disposing").id);
    for (const buffer of buffers) {
      this.#alive.delete(buffer);
      this.#forgotten.unregister(buffer);
    }
    await this.#link.request("dispose", { buffers: ids }, "Disposing of buffers");
  }

  /** Ends the worker after the requests under way. Doing it twice is fine; any later request is refused. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /**
   * The buffer, if it is one of this engine's own.
   *
   * @throws DeviceError for a buffer of another engine; InvalidInputError for a disposed one.
   */
  admit(buffer: EngineBuffer, what: string): EngineBuffer {
    const owner = owners.get(buffer);
    if (!owner) throw new InvalidInputError(`${what}: given was neither data nor a buffer of an engine.`);
    if (owner !== this) throw foreignBuffer(buffer, what, this.report.device);
    if (!this.#alive.has(buffer))
      throw new InvalidInputError(`${what}: the buffer of ${describeTensor(buffer)} was disposed.`);
    return buffer;
  }

  #newBuffer(dtype: DType, shape: readonly number[]): EngineBuffer {
    const buffer = Object.freeze({ id: ++lastId, device: this.report.device, dtype, shape: Object.freeze([...shape]) });
    owners.set(buffer, this);
    this.#alive.add(buffer);
    const { id } = buffer;
    const free = () => this.#link.request("dispose", { buffers: [id] }, "Disposing of a forgotten buffer");
    this.#forgotten.register(buffer, free, buffer);
    return buffer;
  }
}

/** More than four threads gain nothing on models of the size that a CPU trains. */
function defaultThreads(): number {
  return Math.min(4, availableParallelism());
}

const engines = new WeakMap<LabContext, Promise<Engine>>();

/** The engine of a lab, started on first use and shared from then on. A start that failed is tried anew next time. */
export function engineFor(lab: LabContext): Promise<Engine> {
  let engine = engines.get(lab);
  if (!engine) {
    engine = Engine.start({ device: lab.device, threads: lab.threads, signal: lab.signal() });
    engines.set(lab, engine);
    engine.catch(() => engines.delete(lab));
  }
  return engine;
}
