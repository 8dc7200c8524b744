/**
 * Child process: one hardened Pyodide. Requests come in and replies go out on descriptor 3, one JSON object a line;
 * descriptor 4 is the lifeline that the watchdog thread holds, descriptor 5 the opened snapshot. Node's permission model,
 * an empty environment and `--disallow-code-generation-from-strings` are set by whoever spawns it.
 */
import fs from "node:fs";
import v8 from "node:v8";
import { Worker } from "node:worker_threads";
import { siblingModule } from "../../base/modules.ts";
import type { LaneReply, LaneRequest } from "../protocol.ts";
import { bootPyodide, harnessModule } from "./boot.ts";
import { watchFiles } from "./files.ts";
import { hardenRealm } from "./harden.ts";
import { SnapshotFile } from "./snapshot-file.ts";

const channel = 3;
const snapshotDescriptor = 5;
const { kill, pid } = process;
/** SIGKILL, because the watchdog's blocked read would hold up an ordinary exit. */
const die = (): never => {
  kill(pid, "SIGKILL");
  throw new Error("killed");
};
process.on("uncaughtException", (error) => {
  fs.writeSync(2, `${error.message}\n`);
  die();
});
new Worker(siblingModule(import.meta.url, "./watchdog"), { stdin: false }).unref();
const [, , memoryMb, guardMb] = process.argv;
if (guardMb)
  new Worker(siblingModule(import.meta.url, "./memory-guard"), { workerData: Number(guardMb) * 2 ** 20 }).unref();

// Pyodide's code is known to be valid: functions are checked when they are first called, not all at the start.
v8.setFlagsFromString("--wasm-lazy-validation");
const snapshot = new SnapshotFile(snapshotDescriptor);
const booted = await bootPyodide({ snapshot, extraBytes: Number(memoryMb) * 2 ** 20 });
fs.closeSync(snapshotDescriptor);
const { python, heapBytes, limitHeap, wasRefused } = booted;
const harness = python.pyimport(harnessModule);
const execute: (request: string) => string = harness.execute;
const restore: () => void = harness.restore;
const version: string = harness.python_version;

const { parse, stringify } = JSON;
const { readSync, writeSync } = fs;
const { max } = Math;
const toBuffer = Buffer.from;

const send = (reply: LaneReply): void => {
  const line = toBuffer(`${stringify(reply)}\n`);
  for (let sent = 0; sent < line.length; ) sent += writeSync(channel, line, sent);
};
const lost = () => ({ reusable: false, sessionLost: true, peakMemoryMb: peakMemoryMb() });
let current: LaneRequest | undefined;
let written = 0;
const collect = (key: "out" | "err") => (bytes: Uint8Array) => {
  if (!current) return bytes.length;
  const room = current.maxOutputBytes - written;
  const text = toBuffer(bytes.subarray(0, room)).toString("base64");
  send(key === "out" ? { id: current.id, out: text } : { id: current.id, err: text });
  written += bytes.length;
  if (written > current.maxOutputBytes) {
    send({ id: current.id, done: "outputLimit", ...lost() });
    die();
  }
  return bytes.length;
};
python.setStdout({ write: collect("out") });
python.setStderr({ write: collect("err") });
python.setStdin({ stdin: () => null });

const chunk = Buffer.alloc(65536);
const decoder = new TextDecoder();
let pending = "";

// Loading a snapshot sets some things anew, the event loop's policy among them.
restore();
const files = watchFiles(python);
hardenRealm(python);
const startBytes = heapBytes();
/** Of this process so far. MiB. */
const peakMemoryMb = (): number => (max(0, heapBytes() - startBytes) + files.peakBytes()) / 2 ** 20;

/** The heap never shrinks: a process that served a greedy snippet is not kept. */
const keptGrowthBytes = 64 * 2 ** 20;

/** Puts everything back as it was, where that can be done. */
function reset(): boolean {
  if (files.touched() || heapBytes() - startBytes > keptGrowthBytes) return false;
  try {
    restore();
    return true;
  } catch {
    return false;
  }
}

function serve(request: LaneRequest): void {
  const { id, session } = request;
  if (request.closeSession) {
    send({ id, done: "closed", reusable: false });
    return;
  }
  current = request;
  written = 0;
  limitHeap(request.memoryMb * 2 ** 20);
  let report: string;
  try {
    report = execute(stringify(request));
  } catch {
    send({ id, done: wasRefused() ? "memory" : "crash", ...lost() });
    die();
    return;
  }
  // A session keeps what its cells leave; its process serves nobody else.
  const reusable = session !== null || reset();
  current = undefined;
  send({ id, done: "report", report, reusable, peakMemoryMb: peakMemoryMb() });
}

send({ ready: true, version });
// Blocking reads: the event loop never turns again, so nothing that a snippet left on it can run later.
for (;;) {
  const count = readSync(channel, chunk);
  if (count === 0) die();
  pending += decoder.decode(chunk.subarray(0, count), { stream: true });
  for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
    const line = pending.slice(0, end);
    pending = pending.slice(end + 1);
    serve(parse(line));
  }
}
