import ort from "onnxruntime-node-gpu";
import { encode } from "../../src/graph/encode.ts";
import type { DType } from "../../src/graph/encoded.ts";
import { type Graph, sizeOf } from "../../src/graph/tensor.ts";

export type Values = ArrayLike<number>;

const arrays: Partial<Record<DType, { from(values: Values): ort.Tensor["data"] }>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
};

/** How a test loads a graph. */
export interface LoadOptions {
  threads?: number;
  /** float64 graphs must keep to "basic": higher levels fuse operators that have no double kernel. */
  level?: "basic" | "all";
  provider?: "cpu" | "webgpu";
}

/** A graph on ONNX Runtime itself, without the lab's engine. */
export class Runner {
  readonly graph: Graph;
  readonly #session: ort.InferenceSession;

  private constructor(graph: Graph, session: ort.InferenceSession) {
    this.graph = graph;
    this.#session = session;
  }

  static async load(graph: Graph, options: LoadOptions = {}): Promise<Runner> {
    const { threads = 2, provider = "cpu", level = graph.dtype === "float64" ? "basic" : "all" } = options;
    const session = await ort.InferenceSession.create(encode(graph).onnx, {
      graphOptimizationLevel: level,
      intraOpNumThreads: threads,
      executionProviders: [provider],
    });
    return new Runner(graph, session);
  }

  /**
   * Runs the graph. Inputs that are not given are 0.
   *
   * @param inPlace outputs to write over inputs, by output name.
   */
  async run(
    values: Readonly<Record<string, Values | number>>,
    inPlace: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, Float32Array>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const name of Object.keys(values))
      if (!this.graph.inputs.has(name)) throw new Error(`The graph has no input ${name}.`);
    for (const [name, { shape, dtype }] of this.graph.inputs) {
      const value = values[name] ?? new Float64Array(sizeOf(shape));
      const data = arrays[dtype]!.from(typeof value === "number" ? [value] : value);
      feeds[name] = new ort.Tensor(dtype as "float32", data as Float32Array, shape);
    }
    const targets = Object.entries(inPlace).map(([output, input]) => [output, feeds[input]!]);
    const fetches = Object.fromEntries([...this.graph.outputs.keys()].map((name) => [name, null]));
    const outputs = await this.#session.run(feeds, { ...fetches, ...Object.fromEntries(targets) });
    for (const [output, input] of Object.entries(inPlace))
      if (!arraysEqual(feeds[input]!.data as Float32Array, outputs[output]!.data as Float32Array))
        throw new Error(`${output} was not written over ${input}.`);
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]));
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** Loads, runs and releases a graph. */
export async function runGraph(
  graph: Graph,
  values: Readonly<Record<string, Values | number>> = {},
  options: LoadOptions = {},
): Promise<Record<string, Float32Array>> {
  const runner = await Runner.load(graph, options);
  const outputs = await runner.run(values);
  await runner.release();
  return outputs;
}

function arraysEqual(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => Object.is(value, b[i]));
}
