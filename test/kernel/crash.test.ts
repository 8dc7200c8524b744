import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { childrenOf } from "../processes.ts";
import { TestKernel } from "./client.ts";

/** How a cell can end its process, and what the user is told of it. */
const endings: Record<string, { code: string; tells: RegExp }> = {
  "process.exit": { code: "process.exit(3)", tells: /process\.exit\(3\)/ },
  "process.exit in a timer": {
    code: "await new Promise(() => setTimeout(() => process.exit(), 1))",
    tells: /process\.exit\(0\)/,
  },
  "process.abort": { code: "process.abort()", tells: /process\.abort\(\)/ },
  "kill -9": { code: "process.kill(process.pid, 'SIGKILL')", tells: /SIGKILL/ },
  "a crash in native code": {
    code: "process.kill(process.pid, 'SIGSEGV')",
    tells: /native code in it crashed.*SIGSEGV/,
  },
  "a full heap": {
    code: "const all: number[][] = []; for (;;) all.push(new Array<number>(10_000).fill(0.5))",
    tells: /ran out of memory/,
  },
  "death while a process that it started holds its output": {
    code: `require("node:child_process").spawn("sleep", ["5"], { stdio: "inherit", detached: true }).unref();
process.kill(process.pid, "SIGKILL")`,
    tells: /SIGKILL/,
  },
};

describe("a session that ends", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start({ env: { NODE_OPTIONS: "--max-old-space-size=400" } });
  });
  after(() => kernel.stop());

  for (const [name, { code, tells }] of Object.entries(endings)) {
    test(`${name}: the cell fails, the kernel goes on without the variables`, async () => {
      await kernel.execute("const before = 41");
      const { reply } = await kernel.execute(code);
      assert.equal(reply.ename, "SessionDied");
      assert.match(reply.evalue as string, tells);
      assert.match(reply.evalue as string, /variables are lost/);
      assert.equal((await kernel.execute("1 + 1")).result, "2");
      assert.equal((await kernel.execute("before")).reply.status, "error");
    });
  }

  test("all cells that run are told", async () => {
    const [first, second] = await kernel.sendTogether(["await new Promise(() => process.exit(4))", "2"]);
    assert.equal((await first!.done).reply.ename, "SessionDied");
    // It waited behind the first one, which failed.
    assert.equal((await second!.done).reply.status, "aborted");
  });

  test("an exit between cells is told, and the next cell runs", async () => {
    await kernel.execute("setTimeout(() => process.exit(5), 1)");
    const notice = await kernel.until(() =>
      kernel.received.find(
        (m) => m.header.msg_type === "stream" && /process\.exit\(5\)/.test(m.content.text as string),
      ),
    );
    assert.equal(notice.content.name, "stderr");
    assert.equal((await kernel.execute("1 + 1")).result, "2");
  });
});

test("an emitter that ends is replaced, also where the kernel's folder has a new name", async (t) => {
  const box = await mkdtemp(join(tmpdir(), "cirlab-emitter-"));
  t.after(() => rm(box, { recursive: true, force: true }));
  const folder = join(box, "before");
  await mkdir(folder);
  const kernel = await TestKernel.start({ cwd: folder });
  t.after(() => kernel.stop());
  assert.equal((await kernel.execute("const n: number = 1; n")).result, "1");
  await rename(folder, join(box, "after"));
  const emitters = childrenOf(kernel.process.pid!).filter(({ command }) => command.includes("esbuild"));
  assert.equal(emitters.length, 1);
  process.kill(emitters[0]!.pid, "SIGKILL");
  assert.equal((await kernel.execute("const m: number = n + 1; m")).result, "2");
});

test("a request that the kernel itself fails at shows an error, as a cell's failure does", async (t) => {
  const kernel = await TestKernel.start();
  t.after(() => kernel.stop());
  const { reply, messages } = await kernel.execute(7 as never);
  assert.equal(reply.ename, "KernelError");
  const shown = messages.find(({ header }) => header.msg_type === "error");
  assert.equal(shown?.content.evalue, reply.evalue);
  assert.equal((await kernel.execute("1 + 1")).result, "2");
});

describe("errors that no code catches", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  /** The message under which text on stderr is told. */
  async function parentOf(text: string): Promise<unknown> {
    const found = await kernel.until(() =>
      kernel.received.find(
        (m) => m.header.msg_type === "stream" && m.content.name === "stderr" && String(m.content.text).includes(text),
      ),
    );
    return found.parent_header.msg_id;
  }

  const strays = {
    "a rejection": `void new Promise((_, reject) => resumed.then(() => reject(new Error("NAME"))))`,
    "a rejection with a value that is no error": `void new Promise((_, reject) => resumed.then(() => reject("NAME")))`,
    "a rejected async function": `void (async () => { await resumed; throw new Error("NAME"); })()`,
    "a timer": `void resumed.then(() => { setTimeout(() => { throw new Error("NAME"); }, 1); })`,
    "a timer that throws a value": `void resumed.then(() => { setTimeout(() => { throw "NAME"; }, 1); })`,
    "a microtask": `void resumed.then(() => queueMicrotask(() => { throw new Error("NAME"); }))`,
    "a callback of Node": `import * as fs from "node:fs";
void resumed.then(() => fs.readFile("/dev/null", () => { throw new Error("NAME"); }))`,
  };
  let count = 0;
  for (const [name, code] of Object.entries(strays)) {
    test(`${name} is told under its own cell, while another runs`, async () => {
      const text = `stray ${++count}`;
      await kernel.execute(`var resume = () => {}; var resumed = new Promise<void>((r) => { resume = r; })`);
      const first = kernel.send(code.replace("NAME", text));
      await first.done;
      const second = kernel.send("resume(); await new Promise((r) => setTimeout(r, 100)); 7");
      assert.equal(await parentOf(text), first.id);
      assert.equal((await second.done).result, "7");
    });
  }
});
