import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
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
