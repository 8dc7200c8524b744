/**
 * Child process: one hardened Pyodide. Requests come in and replies go out on descriptor 3, one JSON object a line;
 * descriptor 4 is the lifeline that the watchdog thread holds. Node's permission model, an empty environment and
 * `--disallow-code-generation-from-strings` are set by whoever spawns it.
 */
import fs from "node:fs";
import { Worker } from "node:worker_threads";
import { siblingModule } from "../../base/modules.ts";
import type { LaneReply, LaneRequest } from "../protocol.ts";
import { bootPyodide, harnessModule } from "./boot.ts";
import { hardenRealm, watchFiles } from "./harden.ts";

const channel = 3;
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

const python = await bootPyodide({
  snapshot: fs.readFileSync(process.argv[2]!),
  heapBytes: Number(process.argv[3]) * 2 ** 20,
});
const harness = python.pyimport(harnessModule);
const execute: (request: string) => string = harness.execute;
const restore: () => void = harness.restore;

const { parse, stringify } = JSON;
const { readSync, writeSync } = fs;
const toBuffer = Buffer.from;
const pythonVersion: string = python.runPython("import platform; platform.python_version()");

const send = (reply: LaneReply): void => {
  const line = toBuffer(`${stringify(reply)}\n`);
  for (let sent = 0; sent < line.length; ) sent += writeSync(channel, line, sent);
};
let current: LaneRequest | undefined;
let written = 0;
const collect = (key: "out" | "err") => (bytes: Uint8Array) => {
  if (!current) return bytes.length;
  const room = current.maxOutputBytes - written;
  const text = toBuffer(bytes.subarray(0, room)).toString("base64");
  send(key === "out" ? { id: current.id, out: text } : { id: current.id, err: text });
  written += bytes.length;
  if (written > current.maxOutputBytes) {
    send({ id: current.id, done: "outputLimit", reusable: false });
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

function serve(request: LaneRequest): void {
  current = request;
  written = 0;
  let report: string;
  try {
    report = execute(stringify(request));
  } catch {
    send({ id: request.id, done: "crash", reusable: false });
    die();
    return;
  }
  let reusable = !files.touched();
  try {
    if (reusable) restore();
  } catch {
    reusable = false;
  }
  current = undefined;
  send({ id: request.id, done: "report", report, reusable });
}

send({ ready: true, version: pythonVersion });
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
