import type { Device } from "../base/context.ts";
import type { DType, EncodedGraph } from "../graph/encoded.ts";

export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor in the caller's memory. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** A tensor owned by the engine, on its device. A handle: the data stays where it is. */
export interface EngineBuffer {
  readonly id: number;
  readonly device: Device;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The first `rows` entries along a buffer's first axis, as an input (no copy). */
export interface BufferPrefix {
  readonly buffer: EngineBuffer;
  readonly rows: number;
}

/**
 * Writes an output of shape `[rows, heads, steps, width]` into a buffer of shape `[slots, heads, length, width]`, where
 * rows <= slots: output row r goes to buffer row r from `positions[r]` on along axis 2; a negative position skips the
 * row. This is how a KV cache grows: by one step in decoding, by several in a prefill.
 */
export interface RowUpdate {
  readonly output: string;
  readonly into: EngineBuffer;
  readonly positions: Int32Array;
}

/** One run of a loaded program. Every output is fetched, stored, used for a row update, or dropped. */
export interface RunRequest {
  /** Data is copied when the run is asked for: the caller may change it right after the call, before the reply. */
  readonly inputs: Readonly<Record<string, HostTensor | EngineBuffer | BufferPrefix>>;
  /** Outputs to copy back to the caller. */
  readonly fetch?: readonly string[];
  /**
   * Outputs that replace the content of buffers. These may be inputs of the same run: all of it reads the old content,
   * and nothing is replaced when the run fails.
   */
  readonly store?: Readonly<Record<string, EngineBuffer>>;
  readonly updateRows?: readonly RowUpdate[];
}

/** A loaded graph. */
export interface Program {
  readonly graph: EncodedGraph;
  run(request: RunRequest): Promise<Record<string, HostTensor>>;
  dispose(): Promise<void>;
}

/** Which device was chosen, why, and with what; results carry it. */
export interface DeviceReport {
  readonly requested: "auto" | Device;
  readonly device: Device;
  /** One sentence: why this device, and what was missing for a better one. */
  readonly reason: string;
  readonly provider: string;
  readonly threads: number;
  readonly runtimeVersion: string;
}

/** Runs graphs on one device, in a worker thread of its own, one request after another in the order asked. */
export interface EngineApi {
  readonly report: DeviceReport;
  load(graph: EncodedGraph): Promise<Program>;
  /** A buffer on the device, zero-filled unless `data` is given. */
  createBuffer(spec: { dtype: DType; shape: readonly number[] }, data?: TypedArray): Promise<EngineBuffer>;
  read(buffer: EngineBuffer): Promise<HostTensor>;
  write(buffer: EngineBuffer, data: TypedArray): Promise<void>;
  /** Copies whole rows inside a buffer, row `from[i]` to row `to[i]`, as if all were read before any is written. */
  moveRows(buffer: EngineBuffer, from: Int32Array, to: Int32Array): Promise<void>;
  /** A new buffer with the same content. */
  clone(buffer: EngineBuffer): Promise<EngineBuffer>;
  dispose(buffers: readonly EngineBuffer[]): Promise<void>;
  close(): Promise<void>;
}
