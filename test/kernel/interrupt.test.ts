import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type Running, TestKernel } from "./client.ts";

/** Cells that are busy in different ways; each must stop and leave the variables of earlier cells. */
const busyCells: Record<string, string> = {
  "a synchronous loop": "started(); while (true) {}",
  "a loop that catches everything": "started(); while (true) { try { while (true) {} } catch {} }",
  "an endless callback of a builtin": "started(); [1].forEach(() => { for (;;) JSON.parse('[1]'); })",
  "a catastrophic regular expression": "started(); /^(a+)+$/.test('a'.repeat(60) + 'b')",
  "an awaited timer": "started(); await new Promise((r) => setTimeout(r, 600_000))",
  "an asynchronous loop": "const work = forever(); while (background < 2) await pause(); started(); await work",
  "a loop after an await": "await null; started(); while (true) {}",
  "a microtask storm": "started(); await (async () => { for (;;) await null; })()",
  "a loop in an awaited timer": "await new Promise<void>(() => setTimeout(() => { started(); for (;;) {} }, 1))",
  "a loop in a function of an older cell": "await null; started(); spin()",
  "an endless generator": "await null; started(); for (const x of numbers()) void x",
  "for await": "for await (const x of ticks()) if (x === 2) started()",
  "a wait for input": "started(); await input('name?')",
  "a regular expression after an await": "await null; started(); /^(a+)+$/.test('a'.repeat(60) + 'b')",
  "foreign code after an await": "await null; started(); endless()",
  "foreign code in an async function of an older cell": "await later(() => { started(); endless(); })",
  "foreign code in a timer": "await new Promise(() => setTimeout(() => { started(); endless(); }, 1))",
  "foreign code in a microtask": "await new Promise(() => queueMicrotask(() => { started(); endless(); }))",
  "foreign code in an asynchronous scope":
    "import { AsyncResource } from 'node:async_hooks'; new AsyncResource('x').runInAsyncScope(() => { started(); endless(); })",
  "a result's own display": "({ [Symbol.for('Jupyter.display')]() { started(); endless(); } })",
  "a loop that awaits what fails": "started(); while (true) { try { await Promise.reject(new Error('x')); } catch {} }",
  "a package's loop after its own await": "await (await import('lab')).spinLater(started)",
  "a module's loop after its own await": "await (await import('modern')).spinLater(started)",
};

/** A package: it obeys the signal between its steps. */
const labCode = `
const host = globalThis[Symbol.for("Jupyter.host")];
exports.spinLater = async (started) => { await null; started(); for (;;); };
exports.counts = { steps: 0, finished: 0 };
exports.train = async (started) => {
  const signal = host.signal();
  for (;;) {
    if (signal.aborted) throw Object.assign(new Error("Stopped after a whole step."), { name: "InterruptedError" });
    exports.counts.steps++;
    await host.shield(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      exports.counts.finished++;
    });
    if (exports.counts.steps === 1) started();
  }
};`;

describe("interrupt", { concurrency: false }, () => {
  let kernel: TestKernel;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-interrupt-"));
    await mkdir(join(folder, "node_modules", "lab"), { recursive: true });
    await writeFile(join(folder, "node_modules", "lab", "index.js"), labCode);
    const modern = join(folder, "node_modules", "modern");
    await mkdir(modern);
    await writeFile(join(modern, "package.json"), '{ "name": "modern", "type": "module", "main": "index.js" }');
    await writeFile(
      join(modern, "index.js"),
      "export async function spinLater(started) { await null; started(); while (true) Math.random(); }",
    );
    kernel = await TestKernel.start({ cwd: folder });
    await kernel.execute(`
let kept = 41; let background = 0;
const pause = () => new Promise((r) => setTimeout(r, 1));
const started = () => display({ "text/plain": "started" });
async function forever() { for (;;) { await new Promise((r) => setTimeout(r, 1)); background++; } }
function spin() { while (true) {} }
const endless = new Function("for (;;);");
async function later(run: () => void) { await null; run(); }
function* numbers() { for (let i = 0; ; i++) yield i; }
async function* ticks() { for (let i = 0; ; i++) { await new Promise((r) => setTimeout(r, 1)); yield i; } }`);
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true });
  });

  test("an interrupt at any moment after a request ends that request's cell", async () => {
    // A long source takes a while on its way to the session: the interrupt may arrive there first.
    const code = `/*${"x".repeat(1_000_000)}*/ await new Promise(() => {})`;
    for (let moment = 0; moment < 120; moment += 4) {
      const cell = kernel.send(code);
      await cell.until((message) => message.content.execution_state === "busy");
      await wait(moment);
      await kernel.interrupt();
      assert.match(String((await cell.done).reply.ename), /Interrupt/, `${moment} ms after it was busy`);
    }
    assert.equal((await kernel.execute("6 * 7")).result, "42");
  });

  for (const [name, code] of Object.entries(busyCells)) {
    test(`${name} stops and state is kept`, async () => {
      const running = kernel.send(code);
      await running.until((m) => m.header.msg_type === "display_data");
      assert.equal((await kernel.interrupt()).status, "ok");
      const { reply } = await running.done;
      assert.equal(reply.ename, "KernelInterrupt");
      assert.equal((await kernel.execute("kept + 1")).result, "42");
    });
  }

  test("work that the interrupted cell left behind stands still", async () => {
    const { result: first } = await kernel.execute("background");
    await kernel.execute("await new Promise((r) => setTimeout(r, 50))");
    assert.equal((await kernel.execute("background")).result, first);
    assert.notEqual(first, "0");
  });

  test("a signal does the same as a message", async () => {
    const running = kernel.send("started(); while (true) {}");
    await running.until((m) => m.header.msg_type === "display_data");
    kernel.process.kill("SIGINT");
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
  });

  test("an interrupt of an idle kernel does nothing to the next cell", async () => {
    await kernel.interrupt();
    assert.equal((await kernel.execute("kept")).result, "41");
  });

  test("an interrupt that the session's watchdog hears late, on a busy machine, does not hit the next cell", async (t) => {
    const lateMs = 3000;
    const preload = `import { isMainThread } from "node:worker_threads";
if (!isMainThread && process.argv[1].includes("watchdog"))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${lateMs});`;
    const late = await TestKernel.start({
      env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(preload)}` },
    });
    t.after(() => late.stop());
    const running = late.send("console.log('started'); await new Promise(() => undefined)");
    await running.until(({ header }) => header.msg_type === "stream");
    await late.interrupt();
    assert.equal((await running.done).reply.status, "error");
    const next = await late.execute(`await new Promise((passed) => setTimeout(passed, ${lateMs})); 42`);
    assert.equal(next.result, "42");
    const after = late.send("console.log('started'); for (;;);");
    await after.until(({ header }) => header.msg_type === "stream");
    await late.interrupt();
    assert.equal((await after.done).reply.status, "error", "the next interrupt is heard");
  });

  test("a cell that failed or was interrupted keeps what it had defined", async () => {
    const running = kernel.send("const early: number = 7; started(); while (true) {} \nconst late = 1;");
    await running.until((m) => m.header.msg_type === "display_data");
    await kernel.interrupt();
    await running.done;
    assert.equal((await kernel.execute("early")).result, "7");
    assert.match((await kernel.execute("late")).reply.evalue as string, /late is not defined/);
  });

  test("lab code that watches the signal ends at its safe point", async () => {
    await kernel.execute(`import * as lab from "lab"`);
    const running = kernel.send("await lab.train(started)");
    await running.until((m) => m.header.msg_type === "display_data");
    await kernel.interrupt();
    const { reply } = await running.done;
    assert.equal(reply.ename, "InterruptedError");
    const { result } = await kernel.execute("lab.counts.steps > 0 && lab.counts.steps === lab.counts.finished");
    assert.equal(result, "true");
  });

  test("cells that wait in the queue are aborted, later ones run", async () => {
    const running = kernel.send("started(); while (true) {}");
    const queued = kernel.send("kept = 0");
    await running.until((m) => m.header.msg_type === "display_data");
    await kernel.interrupt();
    await running.done;
    assert.equal((await queued.done).reply.status, "aborted");
    assert.equal((await kernel.execute("kept")).result, "41");
  });

  test("shielded code is cut after two seconds, and its shield goes with it", async () => {
    const shielded = kernel.send(
      "started(); (globalThis as any)[Symbol.for('Jupyter.host')].shield(() => { const end = Date.now() + 600; while (Date.now() < end); display('whole'); endless(); })",
    );
    await shielded.until((m) => m.header.msg_type === "display_data");
    const stopped = async (cell: Running) => {
      const before = performance.now();
      await kernel.interrupt();
      await cell.done;
      return performance.now() - before;
    };
    const withShield = await stopped(shielded);
    const { reply, messages } = await shielded.done;
    assert.equal(reply.ename, "KernelInterrupt");
    assert.match(JSON.stringify(messages), /whole/);
    const next = kernel.send("started(); endless()");
    await next.until((m) => m.header.msg_type === "display_data");
    assert.ok((await stopped(next)) < withShield);
  });

  test("code that is cut while it prints leaves nothing half said", async () => {
    await kernel.execute("const printing = new Function('print', 'for (let i = 0; ; i++) print(\"line \" + i)')");
    for (let round = 0; round < 12; round++) {
      const running = kernel.send("started(); printing(console.log)");
      await running.until((m) => m.header.msg_type === "stream");
      await kernel.interrupt();
      const { reply, stdout } = await running.done;
      assert.equal(reply.ename, "KernelInterrupt");
      const lines = stdout.split("\n").slice(0, -1);
      assert.equal(
        lines.findIndex((line, i) => line !== `line ${i}`),
        -1,
      );
    }
    assert.equal((await kernel.execute("kept")).result, "41");
  });

  test("several cells that run at once: the main shell's is interrupted first", async () => {
    const main = kernel.send("started(); await new Promise(() => {})");
    await main.until((m) => m.header.msg_type === "display_data");
    const { subshell_id: subshell } = await kernel.ask("create_subshell_request", {}, "control");
    const content = { code: "started(); await new Promise(() => {})", silent: false, allow_stdin: false };
    const message = kernel.client.message("execute_request", content);
    message.header.subshell_id = subshell as string;
    const beside = kernel.client.ask("shell", message);
    await kernel.until(() =>
      kernel.received.find(
        (m) => m.header.msg_type === "display_data" && m.parent_header.msg_id === message.header.msg_id,
      ),
    );
    await kernel.interrupt();
    assert.equal((await main.done).reply.ename, "KernelInterrupt");
    assert.equal((await kernel.execute("kept")).result, "41");
    await kernel.interrupt();
    assert.equal((await beside).content.ename, "KernelInterrupt");
    await kernel.ask("delete_subshell_request", { subshell_id: subshell }, "control");
  });

  test("a builtin that cannot be stopped: the user is told, a second interrupt restarts the session", async () => {
    const running = kernel.send("await null; started(); Array.prototype.reduce.call({ length: 2 ** 50 }, (a) => a, 0)");
    await running.until((m) => m.header.msg_type === "display_data");
    await kernel.interrupt();
    await running.until((m) => m.header.msg_type === "stream" && /Interrupt again/.test(m.content.text as string));
    assert.ok(await kernel.client.ping());
    await kernel.interrupt();
    const { reply } = await running.done;
    assert.equal(reply.ename, "SessionDied");
    assert.match(reply.evalue as string, /variables are lost/);
    assert.equal((await kernel.execute("1 + 1")).result, "2");
    assert.match((await kernel.execute("kept")).reply.evalue as string, /kept is not defined/);
  });
});
