import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Dealer } from "zeromq";
import { commandFile } from "../../kernel/package.ts";
import { address, createConnection, writeConnectionFile } from "../../kernel/protocol/connection.ts";
import { createMessage, encodeMessage, sign } from "../../kernel/protocol/messages.ts";
import { childrenOf, isRunning } from "../processes.ts";
import { TestKernel } from "./client.ts";

/** Runs `cirlab kernel` to its end. */
function runKernel(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [commandFile, "kernel", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
}

/** All processes below one. */
const descendants = (pid: number): number[] =>
  childrenOf(pid).flatMap(({ pid: child }) => [child, ...descendants(child)]);

describe("bad input", { concurrency: false }, () => {
  let kernel: TestKernel;
  let shell: Dealer;
  before(async () => {
    kernel = await TestKernel.start();
    shell = new Dealer({ linger: 0 });
    shell.connect(address(kernel.client.connection, "shell"));
    await kernel.execute("const kept = 41");
  });
  after(async () => {
    shell.close();
    await kernel.stop();
  });

  /** The kernel still does all that it did before. */
  async function check(): Promise<void> {
    assert.ok(await kernel.client.ping());
    assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
    assert.equal((await kernel.execute("kept + 1")).result, "42");
  }

  const signature_scheme = "hmac-sha256";
  const request = () => createMessage("execute_request", { code: "globalThis.hacked = 1" }, { session: "bad" });
  const signed = (...parts: string[]) => {
    const { connection } = kernel.client;
    const buffers = parts.map((part) => Buffer.from(part));
    return [Buffer.from("<IDS|MSG>"), Buffer.from(sign(buffers, connection)), ...buffers];
  };
  const header = () => JSON.stringify(request().header);
  const malformed: Record<string, () => Uint8Array[]> = {
    "an empty frame": () => [Buffer.alloc(0)],
    "no delimiter": () => encodeMessage(request(), kernel.client.connection).slice(1),
    "too few frames": () => encodeMessage(request(), kernel.client.connection).slice(0, 4),
    "a wrong key": () => encodeMessage(request(), { key: "wrong", signature_scheme }),
    "no signature": () => encodeMessage(request(), { key: "", signature_scheme }),
    "no JSON": () => signed("{", "{}", "{}", "{}"),
    "a header that is no object": () => signed("5", "{}", "{}", "{}"),
    "a header without type": () => signed('{"msg_id":"x"}', "{}", "{}", "{}"),
    "content that is a list": () => signed(header(), "{}", "{}", "[]"),
    "content that is a number": () => signed(header(), "{}", "{}", "5"),
    "metadata that are text": () => signed(header(), "{}", '"x"', '{"code":"globalThis.hacked = 1"}'),
    "bytes that are no text": () => signed("\u0000\u00ff", "\ufffd", "{}", "{}"),
  };
  for (const [name, frames] of Object.entries(malformed)) {
    test(`${name}: passed over`, async () => {
      await shell.send(frames());
      await check();
      assert.equal((await kernel.execute("'hacked' in globalThis")).result, "false");
    });
  }

  const wrong: Record<string, [string, Record<string, unknown>]> = {
    "a number as code": ["execute_request", { code: 5 }],
    "no code": ["execute_request", {}],
    "text as a switch": ["execute_request", { code: "1", silent: "yes" }],
    "a list of expressions": ["execute_request", { code: "1", user_expressions: ["1"] }],
    "completion of nothing": ["complete_request", {}],
    "completion at no place": ["complete_request", { code: "x", cursor_pos: "end" }],
    "completion outside of the code": ["complete_request", { code: "x", cursor_pos: 1e9 }],
    "inspection of nothing": ["inspect_request", { code: null, cursor_pos: -1 }],
    "is_complete of a number": ["is_complete_request", { code: 7 }],
    "history of an unknown kind": ["history_request", { hist_access_type: "all", output: 1 }],
    "comm_info of a number": ["comm_info_request", { target_name: 5 }],
  };
  for (const [name, [type, content]] of Object.entries(wrong)) {
    test(`${name} is answered`, async () => {
      const reply = await kernel.ask(type, content);
      assert.ok(reply.status === "error" || reply.status === "ok" || type === "is_complete_request", `${reply.status}`);
      if (type === "execute_request") assert.equal(reply.status, "error");
      await check();
    });
  }

  test("an unknown message type is passed over", async () => {
    await kernel.client.send("shell", kernel.client.message("no_such_request", {}));
    await kernel.client.send("control", kernel.client.message("no_such_request", {}));
    await check();
  });

  test("messages for comms that are not there are passed over, an unknown target is closed", async () => {
    const { client } = kernel;
    await client.send("shell", client.message("comm_msg", { comm_id: "nobody", data: {} }));
    await client.send("shell", client.message("comm_close", { comm_id: "nobody" }));
    await client.send("shell", client.message("comm_open", { comm_id: 7, target_name: ["x"] }));
    await client.send("shell", client.message("comm_open", { comm_id: "c1", target_name: "no such target", data: {} }));
    const closed = await kernel.until(() =>
      kernel.received.find((m) => m.header.msg_type === "comm_close" && m.content.comm_id === "c1"),
    );
    assert.equal(closed.channel, "iopub");
    assert.deepEqual((await kernel.ask("comm_info_request", {})).comms, {});
    await check();
  });

  test("an answer to no question is passed over", async () => {
    await kernel.client.send("stdin", kernel.client.message("input_reply", { value: 5 }));
    await check();
  });

  test("a cell of 100 MB is refused, with the reason; heartbeat and control answer meanwhile", async () => {
    const running = kernel.send(`const big = "${"x".repeat(100_000_000)}"`);
    assert.ok(await kernel.client.ping());
    assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
    const { reply, messages } = await running.done;
    assert.equal(reply.ename, "CellTooLong");
    assert.match(reply.evalue as string, /100 million characters; 10 million are the most/);
    assert.ok(messages.some((m) => m.header.msg_type === "error"));
    await check();
  });

  test("a kernel on ports in use ends with the reason, and the other one goes on", async () => {
    const file = await writeConnectionFile(kernel.client.connection);
    const { code, stderr } = await runKernel(file);
    assert.equal(code, 2);
    assert.match(stderr, /Cannot listen on tcp:.*in use.*Another kernel/);
    await check();
  });

  test("a connection file that is missing or bad ends the command with the reason", async () => {
    const missing = await runKernel(join(tmpdir(), "no-such-connection.json"));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /Cannot read the connection file .*no-such-connection\.json/);
    const bad = await writeConnectionFile({ ...(await createConnection()), shell_port: 99_999 });
    const { code, stderr } = await runKernel(bad);
    assert.equal(code, 2);
    assert.match(stderr, /is not valid[\s\S]*shell_port/);
    await writeFile(bad, "{");
    assert.equal((await runKernel(bad)).code, 2);
  });

  test("killing the front leaves no process behind, whatever they do", async (t) => {
    if (process.platform !== "linux") return t.skip("reads the list of processes as Linux tells it");
    const other = await TestKernel.start();
    await other.execute("const text: string = 'compiled'");
    const running = other.send("console.log('busy'); while (true) {}");
    running.done.catch(() => undefined);
    await running.until((m) => m.header.msg_type === "stream");
    const below = descendants(other.process.pid!);
    assert.ok(below.length > 0);
    other.process.kill("SIGKILL");
    await other.exited;
    other.client.close();
    while (below.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
