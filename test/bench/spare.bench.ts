import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { createServer } from "../../server/app.ts";
import { type Bench, interleave } from "./measure.ts";

/** Time from asking the server for a kernel until the result of its first cell, with a spare kernel and without. */
export const bench: Bench = async (context) => {
  const box = await realpath(await mkdtemp(join(tmpdir(), "cirlab-bench-")));
  try {
    const { warm, cold } = await interleave(context, "first result", {
      warm: () => firstResult(box, true),
      cold: () => firstResult(box, false),
    });
    const rows = [{ what: "request for a kernel to its first result", unit: "ms", ours: warm, peer: cold } as const];
    return [{ title: "Warm spare kernel", peer: { name: "without a spare" }, rows }];
  } finally {
    await rm(box, { recursive: true, force: true });
  }
};

/** Milliseconds. */
async function firstResult(root: string, spareKernel: boolean): Promise<number> {
  const server = await createServer({ root, userFolder: join(root, "user"), spareKernel });
  try {
    if (spareKernel) await spareIsWarm();
    const start = performance.now();
    const headers = { Authorization: `token ${server.token}` };
    const response = await fetch(`${server.url}/api/kernels`, { method: "POST", headers, body: "{}" });
    const { id } = (await response.json()) as { id: string };
    const address = `${server.url.replace("http", "ws")}/api/kernels/${id}/channels?session_id=b&token=${server.token}`;
    const socket = new WebSocket(address);
    try {
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      const result = new Promise<void>((resolve) => {
        socket.on("message", (data) => {
          if (JSON.parse(data.toString()).msg_type === "execute_result") resolve();
        });
      });
      const header = {
        msg_id: "m",
        session: "b",
        username: "b",
        version: "5.3",
        msg_type: "execute_request",
        date: "",
      };
      // As a page asks: it takes input, and type warnings that come after the result.
      const content = { code: "1 + 1", silent: false, store_history: true, user_expressions: {}, allow_stdin: true };
      socket.send(JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content }));
      await result;
      return performance.now() - start;
    } finally {
      socket.terminate();
    }
  } finally {
    await server.close();
  }
}

/** A spare says nothing while it waits; a few seconds are more than it takes, and what a user takes to open a notebook. */
const spareIsWarm = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 6000));
