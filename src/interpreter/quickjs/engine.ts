/**
 * Thread with a stack deep enough for QuickJS: serves the requests of descriptor 3. One runtime for each snippet, one for
 * each session.
 */
import { readSync, writeSync } from "node:fs";
import * as variant from "@jitl/quickjs-wasmfile-release-sync";
import { newQuickJSWASMModuleFromVariant, newVariant } from "quickjs-emscripten-core";
import type { LaneReply, LaneRequest } from "../protocol.ts";
import { Heap } from "./heap.ts";
import { channel, die } from "./process.ts";
import { World } from "./world.ts";

const heap = new Heap();
const module = await newQuickJSWASMModuleFromVariant(newVariant(variant.default as never, { wasmMemory: heap.memory }));
const sessions = new Map<string, World>();

const send = (reply: LaneReply): void => {
  const line = Buffer.from(`${JSON.stringify(reply)}\n`);
  for (let sent = 0; sent < line.length; ) sent += writeSync(channel, line, sent);
};

/** Sends output on; false at the limit. */
function outputOf({ id, maxOutputBytes }: LaneRequest): (stream: "out" | "err", text: string) => boolean {
  let written = 0;
  return (stream, text) => {
    const bytes = Buffer.from(text);
    const kept = bytes.subarray(0, Math.max(0, maxOutputBytes - written)).toString("base64");
    if (kept) send(stream === "out" ? { id, out: kept } : { id, err: kept });
    written += bytes.length;
    return written <= maxOutputBytes;
  };
}

function serve(request: LaneRequest): void {
  const { id, session } = request;
  if (request.closeSession) {
    sessions.get(session!)?.dispose();
    sessions.delete(session!);
    send({ id, done: "closed", reusable: true });
    return;
  }
  heap.limit(request.memoryMb);
  const world = (session === null ? undefined : sessions.get(session)) ?? new World(module, heap, request);
  if (session !== null) sessions.set(session, world);
  const found = world.run(request, outputOf(request));
  let reusable = true;
  if (session === null || "stop" in found) {
    if (session !== null) sessions.delete(session);
    try {
      world.dispose();
    } catch {
      // Code that was stopped in the middle can leave objects behind, which QuickJS takes for a fatal mistake.
      reusable = false;
    }
  }
  reusable &&= heap.reusable;
  if ("stop" in found) send({ id, done: found.stop, reusable, sessionLost: session !== null });
  else send({ id, done: "report", report: JSON.stringify(found.report), reusable });
}

send({ ready: true, version: process.argv[2]! });
const chunk = Buffer.alloc(65536);
const decoder = new TextDecoder();
let pending = "";
for (;;) {
  const count = readSync(channel, chunk);
  if (count === 0) die();
  pending += decoder.decode(chunk.subarray(0, count), { stream: true });
  for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
    const line = pending.slice(0, end);
    pending = pending.slice(end + 1);
    serve(JSON.parse(line));
  }
}
