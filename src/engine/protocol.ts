import type { Device } from "../base/context.ts";
import type { DType, EncodedGraph } from "../graph/encoded.ts";
import type { TypedArray } from "./types.ts";

/** Provider and threads with which a worker starts. */
export interface WorkerOptions {
  readonly device: Device;
  readonly threads: number;
}

/** First message of a worker: it can take requests. */
export interface WorkerGreeting {
  readonly runtimeVersion: string;
}

/** An input of a run, in the order of the graph's inputs: plain data, a buffer, or a buffer's first rows. */
export type WireInput = TypedArray | number | readonly [buffer: number, rows: number];

/** A run that has passed the door: every name, shape and buffer is known to be right. */
export interface WireRun {
  readonly program: number;
  readonly inputs: readonly WireInput[];
  readonly fetch: readonly string[];
  readonly store: readonly (readonly [output: string, buffer: number])[];
  readonly updateRows: readonly {
    readonly output: string;
    readonly buffer: number;
    readonly positions: Int32Array;
  }[];
}

/** Every request of the main thread: what it sends and what comes back. */
export interface Requests {
  load: { send: { program: number; graph: EncodedGraph }; reply: undefined };
  unload: { send: { program: number }; reply: undefined };
  /** Replies with the fetched outputs, in the order asked. */
  run: { send: WireRun; reply: TypedArray[] };
  create: { send: { buffer: number; dtype: DType; shape: readonly number[]; data?: TypedArray }; reply: undefined };
  read: { send: { buffer: number }; reply: TypedArray };
  write: { send: { buffer: number; data: TypedArray }; reply: undefined };
  moveRows: { send: { buffer: number; from: Int32Array; to: Int32Array }; reply: undefined };
  clone: { send: { buffer: number; copy: number }; reply: undefined };
  dispose: { send: { buffers: readonly number[] }; reply: undefined };
  close: { send: Record<string, never>; reply: undefined };
}

export type RequestKind = keyof Requests;

export type RequestMessage = { [K in RequestKind]: { id: number; kind: K; body: Requests[K]["send"] } }[RequestKind];

export type ReplyMessage =
  | { readonly id: number; readonly reply: Requests[RequestKind]["reply"] }
  | { readonly id: number; readonly error: string };

/** What the worker does with requests, on one kind of memory. */
export type Backend = {
  [K in Exclude<RequestKind, "close">]: (body: Requests[K]["send"]) => Promise<Requests[K]["reply"]>;
} & { close(): Promise<void> };
