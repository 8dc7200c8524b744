import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { InfrastructureError, InvalidInputError } from "../../src/base/errors.ts";
import { siblingModule } from "../../src/base/modules.ts";
import { mcpTools, ToolBox } from "../../src/tools/index.ts";

const program = fileURLToPath(siblingModule(import.meta.url, "./mcp-server"));
const stdio = { command: process.execPath, args: [program, "stdio"] };
const call = (name: string, args: unknown = {}) => JSON.stringify({ name, arguments: args });

async function startHttp(port = 0): Promise<{ child: ChildProcess; url: string; port: number }> {
  const child = spawn(process.execPath, [program, "http", String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, url: `http://127.0.0.1:${line}/mcp`, port: Number(line) };
}

/** What every server must do, however it is reached. */
async function exercise(box: ToolBox): Promise<void> {
  assert.deepEqual([...box.tools.keys()], ["add", "count", "refuse", "wait", "picture", "die"]);
  assert.match(
    box.prompt,
    /^1\. Name: add\nDescription: Adds two numbers\.\nParameters: \{"type":"object","properties":\{"a":/,
  );
  assert.deepEqual((await box.run(call("add", { a: 2, b: 3 }))).stdout, "5");
  const both = await box.run([call("count"), call("count")].join("\n"));
  assert.equal(both.stdout, "1. count: 1\n2. count: 2");
  const bad = await box.run(call("add", { a: "two" }));
  assert.equal(bad.status, "error");
  assert.match(bad.stdout, /^Error: Invalid arguments for add: a: /);
  const refused = await box.run(call("refuse"));
  assert.deepEqual([refused.status, refused.stdout], ["error", "Error: not today"]);
  assert.equal((await box.run(call("picture"))).stdout, "see\n[image image/png]");
}

test("a server on standard streams: listed, called, dies, comes back, closes", async () => {
  const server = await mcpTools(stdio);
  assert.equal(server.name, "test-server");
  const box = new ToolBox(server.tools);
  await exercise(box);
  const died = await box.run(call("die"));
  assert.equal(died.status, "infrastructure");
  assert.throws(() => box.feedback(died), InfrastructureError);
  assert.equal((await box.run(call("count"))).stdout, "1", "a new server");
  await server.close();
  const late = await box.run(call("count"));
  assert.deepEqual([late.status, /was closed/.test(late.stderr)], ["infrastructure", true]);
});

test("a call that takes too long ends by itself, and the server goes on", async (t) => {
  const server = await mcpTools({ ...stdio, timeoutMs: 2000 });
  t.after(() => server.close());
  const wait = server.tools.find(({ name }) => name === "wait")!;
  const box = new ToolBox([{ ...wait, timeoutMs: 100 }, ...server.tools.filter((tool) => tool !== wait)]);
  assert.equal((await box.run(call("wait"))).status, "timeout");
  assert.equal((await box.run(call("count"))).stdout, "1", "the same server");
});

test("a server with streamable HTTP: listed, called, dies, comes back, closes", async (t) => {
  const first = await startHttp();
  t.after(() => first.child.kill("SIGKILL"));
  const server = await mcpTools({ url: first.url });
  t.after(() => server.close());
  const box = new ToolBox(server.tools);
  await exercise(box);
  const gone = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await gone;
  assert.equal((await box.run(call("count"))).status, "infrastructure");
  const second = await startHttp(first.port);
  t.after(() => second.child.kill("SIGKILL"));
  assert.equal((await box.run(call("count"))).stdout, "1", "a new connection");
});

test("two servers' names are kept apart by a prefix", async (t) => {
  const one = await mcpTools({ ...stdio, prefix: "one." });
  const two = await mcpTools({ ...stdio, prefix: "two." });
  t.after(() => Promise.all([one.close(), two.close()]));
  const box = new ToolBox([...one.tools, ...two.tools]);
  assert.equal(
    (await box.run([call("one.count"), call("one.count"), call("two.count")].join("\n"))).calls[2]!.text,
    "1",
  );
});

test("a server that is not there is a failure of infrastructure, and a source that cannot be is refused", async () => {
  await assert.rejects(mcpTools({ command: "/does/not/exist" }), InfrastructureError);
  await assert.rejects(
    mcpTools({ command: process.execPath, args: ["-e", "console.error('no key'); process.exit(2)"] }),
    (error) => error instanceof InfrastructureError && /no key/.test(error.message),
  );
  await assert.rejects(mcpTools({ url: "http://127.0.0.1:1/mcp" }), InfrastructureError);
  await assert.rejects(mcpTools({ url: "ftp://x" }), InvalidInputError);
  await assert.rejects(mcpTools({ command: "" }), InvalidInputError);
});
