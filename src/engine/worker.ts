// Owns every session and buffer of one engine; handles one request after another, in the order asked.
import { parentPort, workerData } from "node:worker_threads";
import { env } from "onnxruntime-node-gpu";
import { HostBackend } from "./host-backend.ts";
import type { Backend, ReplyMessage, RequestMessage, WorkerGreeting, WorkerOptions } from "./protocol.ts";
import type { TypedArray } from "./types.ts";
import { WebGpuBackend } from "./webgpu-backend.ts";

const port = parentPort!;
const { device, threads } = workerData as WorkerOptions;

async function handle(backend: Backend, { id, kind, body }: RequestMessage): Promise<void> {
  let message: ReplyMessage;
  try {
    // The kinds and bodies match by the type of the message; TypeScript cannot follow the pair through the look-up.
    const reply = await (backend[kind] as (body: unknown) => Promise<undefined | TypedArray | TypedArray[]>)(body);
    message = { id, reply };
  } catch (error) {
    message = { id, error: error instanceof Error ? error.message : String(error) };
  }
  const results = "reply" in message && message.reply ? [message.reply].flat() : [];
  port.postMessage(message, [...new Set(results.map((result) => result.buffer as ArrayBuffer))]);
  if (kind === "close") port.close();
}

const backend: Backend = device === "webgpu" ? new WebGpuBackend(threads) : new HostBackend(device, threads);
let last: Promise<void> = Promise.resolve();
port.on("message", (message: RequestMessage) => {
  last = last.then(() => handle(backend, message));
});
port.postMessage({ runtimeVersion: env.versions.node ?? "unknown" } satisfies WorkerGreeting);
