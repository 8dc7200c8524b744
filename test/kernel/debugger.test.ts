import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { murmur2 } from "../../kernel/session/debug/murmur2.ts";
import { TestKernel } from "./client.ts";
import { DebugClient, values } from "./debugClient.ts";

describe("debugger", () => {
  let kernel: TestKernel;
  let client: DebugClient;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-debug-"));
    kernel = await TestKernel.start({ cwd: folder });
    client = new DebugClient(kernel);
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await client.request("disconnect", { restart: false, terminateDebuggee: false });
    await kernel.execute("1");
  });

  it("says in kernel_info that it is there, and answers before it is started", async () => {
    const info = await kernel.ask("kernel_info_request", {}, "control");
    assert.equal(info.debugger, true);
    assert.ok((info.supported_features as string[]).includes("debugger"));
    const body = await client.ask("debugInfo");
    assert.equal(body.isStarted, false);
    assert.equal(body.hashMethod, "Murmur2");
    assert.deepEqual(body.stoppedThreads, []);
    const code = "const grüße = 1;\n";
    const { sourcePath } = await client.ask("dumpCell", { code });
    const hash = murmur2(code, body.hashSeed as number);
    assert.equal(sourcePath, `${body.tmpFilePrefix}${hash}${body.tmpFileSuffix}`);
    assert.equal((await client.ask("source", { source: { path: sourcePath } })).content, code);
    const refused = await client.request("next", { threadId: 1 });
    assert.equal(refused.success, false);
    assert.match(refused.message!, /not attached/);
  });

  it("goes through what JupyterLab sends: stop, stack, scopes, variables, evaluate, steps, continue", async () => {
    const capabilities = await client.start();
    assert.deepEqual(
      (capabilities.exceptionBreakpointFilters as { filter: string }[]).map(({ filter }) => filter),
      ["all", "uncaught"],
    );
    await client.event("initialized");
    await client.ask("configurationDone");
    const code = `interface Part { size: number }
let total: number = 0;

function twice(x: number): number {
  const y = x * 2;
  return y;
}
total = twice(4);
const parts: Part[] = [{ size: total }];
parts.length`;
    const { path, set } = await client.breakAt(code, 1, 8);
    assert.equal(set.length, 2);
    const running = kernel.send(code);
    const first = await client.stop();
    assert.equal(first.reason, "breakpoint");
    // The interface has no code: the breakpoint moves to the next line that has.
    assert.equal(first.line, 2);
    assert.equal(first.frames[0]!.source.path, path);
    assert.deepEqual((await client.ask("debugInfo")).stoppedThreads, [1]);
    // The kernel answers while it is stopped.
    assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
    assert.equal((await kernel.ask("complete_request", { code: "Math.flo", cursor_pos: 8 })).status, "ok");

    await client.ask("continue", { threadId: 1 });
    await client.event("continued");
    const second = await client.stop();
    assert.equal(second.line, 8);
    const inside = await client.step("stepIn");
    assert.equal(inside.reason, "step");
    assert.equal(inside.line, 5);
    assert.deepEqual(
      inside.frames.map(({ name, line }) => [name, line]),
      [
        ["twice", 5],
        [inside.frames[1]!.name, 8],
      ],
    );
    const next = await client.step("next");
    assert.equal(next.line, 6);
    const scopes = await client.scopes(next.frames[0]!.id);
    assert.deepEqual(values(scopes.Locals), { x: "4", y: "8" });
    assert.equal(values(scopes.Notebook).total, "0");
    assert.ok(!("__kernel" in values(scopes.Locals)));
    assert.equal(await client.evaluate("x + y + total", next.frames[0]!.id), "12");
    assert.equal(await client.evaluate("(y as number) satisfies number", next.frames[0]!.id), "8");
    const failed = await client.request("evaluate", { expression: "nobody", frameId: next.frames[0]!.id });
    assert.match(failed.message!, /nobody is not defined/);
    const out = await client.step("stepOut");
    assert.equal(out.frames.length, 1);
    assert.ok(out.line === 8 || out.line === 9);
    await client.ask("continue", { threadId: 1 });
    const { reply, result } = await running.done;
    assert.equal(reply.status, "ok");
    assert.equal(result, "1");
    const { variables } = (await client.ask("inspectVariables")) as { variables: { name: string; value: string }[] };
    assert.equal(values(variables as never).total, "8");
    assert.ok(!variables.some(({ name }) => name.startsWith("$") || name.startsWith("__")));
  });

  it("stops in a function of an older cell, also when it was run before the debugger was there", async () => {
    const code = "function older(n: number) {\n  const m = n + 1;\n  return m;\n}";
    await kernel.execute(code);
    await client.start();
    const { set } = await client.breakAt(code, 3);
    assert.equal(set[0]!.verified, true);
    const running = kernel.send("const fromOlder = older(41);");
    const stop = await client.stop();
    assert.deepEqual(
      stop.frames.map(({ line }) => line),
      [3, 1],
    );
    assert.equal(await client.evaluate("m", stop.frames[0]!.id), "42");
    await client.ask("continue");
    assert.equal((await running.done).reply.status, "ok");
  });

  it("stops in every round of a loop, steps by lines, and forgets removed breakpoints", async () => {
    await client.start();
    const code =
      "let sum = 0;\nfor (let i = 0; i < 1000; i++) {\n  sum += i;\n}\nfor (let i = 0; i < 5000; i++) sum += 1;\nsum";
    await client.breakAt(code, 3);
    const running = kernel.send(code);
    const lines: number[] = [];
    for (let stop = await client.stop(); ; stop = await client.step("next")) {
      lines.push(stop.line);
      if (lines.length === 4) break;
    }
    assert.deepEqual(lines, [3, 2, 3, 2]);
    await client.breakAt(code, 5);
    await client.ask("continue");
    assert.equal((await client.stop()).line, 5);
    // A loop in one line is passed in one step.
    assert.equal((await client.step("next")).line, 6);
    await client.ask("continue");
    assert.equal((await running.done).result, String((999 * 1000) / 2 + 5000));
  });

  it("steps over an await, into an async function and out of it", async () => {
    await client.start();
    const code = `const nap = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
async function work(n: number) {
  await nap(5);
  const result = n * 2;
  return result;
}
await nap(1);
const worked = await work(21);
const later = worked + 1;
later`;
    await client.breakAt(code, 7);
    const running = kernel.send(code);
    assert.equal((await client.stop()).line, 7);
    assert.equal((await client.step("next")).line, 8);
    const inside = await client.step("stepIn");
    assert.equal(inside.line, 3);
    assert.deepEqual(
      inside.frames.map(({ line }) => line),
      [3, 8],
    );
    assert.deepEqual(values((await client.scopes(inside.frames[0]!.id)).Locals).n, "21");
    const resumed = await client.step("next");
    assert.equal(resumed.line, 4);
    await client.step("next");
    const out = await client.step("stepOut");
    assert.ok(out.line === 8 || out.line === 9, `line ${out.line}`);
    await client.ask("continue");
    assert.equal((await running.done).result, "43");
  });

  it("stops after an await and in a timer", async () => {
    await client.start();
    const code = "await new Promise((r) => setTimeout(r, 5));\nlet ticks = 0;\nsetTimeout(() => {\n  ticks++;\n}, 5);";
    await client.breakAt(code, 2, 4);
    const running = kernel.send(code);
    assert.equal((await client.stop()).line, 2);
    await client.ask("continue");
    assert.equal((await client.stop()).line, 4);
    await client.ask("continue");
    await running.done;
  });

  it("obeys conditions that name locals and names of the notebook, and prints log messages", async () => {
    await client.start();
    await kernel.execute("const wanted = 7;");
    const code = "let seen = 0;\nfor (let i = 0; i < 10; i++) {\n  seen += i;\n}\nseen";
    await client.breakAt(code, { line: 3, condition: "i === wanted" });
    const running = kernel.send(code);
    const stop = await client.stop();
    assert.equal(await client.evaluate("i", stop.frames[0]!.id), "7");
    await client.breakAt(code, { line: 3, logMessage: "i is {i} of {wanted}" });
    await client.ask("continue");
    const { stdout } = await running.done;
    assert.equal(stdout, "i is 8 of 7\ni is 9 of 7\n");
  });

  it("stops where something is thrown: everywhere, or only where nothing catches it", async () => {
    await client.start();
    const code = `function risky(n: number) {
  if (n > 0) throw new RangeError("too big");
}
try { risky(1); } catch {}
await new Promise((r) => setTimeout(r, 1));
risky(2);`;
    await client.ask("setExceptionBreakpoints", { filters: ["uncaught"] });
    let running = kernel.send(code);
    const stop = await client.stop();
    assert.equal(stop.reason, "exception");
    assert.match(stop.text!, /RangeError: too big/);
    assert.deepEqual(
      stop.frames.map(({ line }) => line),
      [2, 6],
    );
    assert.equal((await client.ask("exceptionInfo", { threadId: 1 })).exceptionId, "RangeError");
    await client.ask("continue");
    assert.equal((await running.done).reply.ename, "RangeError");

    await client.ask("setExceptionBreakpoints", { filters: ["all"] });
    running = kernel.send(code);
    assert.equal((await client.stop()).frames[1]!.line, 4);
    await client.ask("continue");
    assert.equal((await client.stop()).frames[1]!.line, 6);
    await client.ask("setExceptionBreakpoints", { filters: [] });
    await client.ask("continue");
    assert.equal((await running.done).reply.status, "error");
  });

  it("is attached while a loop is busy, pauses it, and shows what its names are at that moment", async () => {
    const code = "let rounds = 0;\nlet isEnough = false;\nwhile (!isEnough) {\n  rounds++;\n}";
    const running = kernel.send(code);
    await running.until((m) => m.header.msg_type === "execute_input");
    await client.start();
    await client.ask("pause", { threadId: 1 });
    const stop = await client.stop();
    assert.equal(stop.reason, "pause");
    assert.ok(stop.line >= 3 && stop.line <= 4);
    assert.equal(await client.evaluate("rounds >= 0 && !isEnough", stop.frames[0]!.id), "true");
    await kernel.interrupt();
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
  });

  it("sets variables: locals, names of the notebook, and parts of values", async () => {
    await client.start();
    await kernel.execute("let factor = 2;\nconst settings = { rate: 1 };");
    const code = "function scaled(n: number) {\n  const m = n + 1;\n  return m * factor * settings.rate;\n}\nscaled(1)";
    await client.breakAt(code, 3);
    const running = kernel.send(code);
    const { frames } = await client.stop();
    const { scopes } = (await client.ask("scopes", { frameId: frames[0]!.id })) as {
      scopes: { name: string; variablesReference: number }[];
    };
    const reference = (name: string) => scopes.find((scope) => scope.name === name)!.variablesReference;
    const set = (variablesReference: number, name: string, value: string) =>
      client.ask("setVariable", { variablesReference, name, value });
    assert.equal((await set(reference("Locals"), "m", "n + 9")).value, "10");
    assert.equal((await set(reference("Notebook"), "factor", "5")).value, "5");
    const settings = (await client.variables(reference("Notebook"))).find(({ name }) => name === "settings")!;
    assert.equal((await set(settings.variablesReference, "rate", "3")).value, "3");
    await client.ask("continue");
    assert.equal((await running.done).result, "150");
  });

  it("shows values: pages of lists, maps, getters that are not called, private fields, large arrays", async () => {
    await client.start("jupyterlab");
    await kernel.execute(`let called = 0;
class Shape { #secret = 7; width = 2; get area() { called++; return 1; } }
const shape = new Shape();
const list = Array.from({ length: 1234 }, (_, i) => i);
const big = new Float32Array(1e6);
const map = new Map<unknown, unknown>([["a", 1], [{ k: 1 }, [2]]]);
const tags = new Set(["x", "y"]);
const text = "hello";
const half = 0.5, whole = 3, yes = true, none = null;`);
    const { variables } = (await client.ask("inspectVariables")) as { variables: never[] };
    const find = (name: string) =>
      (variables as { name: string }[]).find((v) => v.name === name)! as never as {
        name: string;
        value: string;
        type?: string;
        variablesReference: number;
      };
    // The types that JupyterLab shows with their values.
    assert.deepEqual(
      ["text", "half", "whole", "yes", "none"].map((name) => [find(name).type, find(name).value]),
      [
        ["str", "hello"],
        ["float", "0.5"],
        ["int", "3"],
        ["bool", "true"],
        [undefined, "null"],
      ],
    );
    const shape = values(await client.variables(find("shape").variablesReference));
    assert.deepEqual(shape, { width: "2", "#secret": "7", area: "(getter)" });
    assert.equal(values(variables).called, "0");
    const list = find("list").variablesReference;
    assert.equal((await client.variables(list)).length, 13);
    const group = (await client.variables(list))[12]!;
    assert.equal(group.name, "[1200…1233]");
    assert.equal((await client.variables(group.variablesReference))[33]!.value, "1233");
    const page = await client.variables(list, { filter: "indexed", start: 500, count: 3 });
    assert.deepEqual(values(page), { 500: "500", 501: "501", 502: "502" });
    assert.equal((await client.variables(find("big").variablesReference)).length, 100);
    const map = await client.variables(find("map").variablesReference);
    assert.deepEqual(
      map.map(({ name, value }) => [name, value]),
      [
        ['"a"', "1"],
        ["{k: 1}", "Array(1) [2]"],
      ],
    );
    assert.deepEqual(values(await client.variables(find("tags").variablesReference)), { 0: "x", 1: "y" });
    const stale = await client.request("variables", { variablesReference: 123456789 });
    assert.equal(stale.success, false);
  });

  it("renders variables as the notebook does, and copies locals to it", async () => {
    await client.start();
    await kernel.execute(
      'const shown = { [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>hi</b>", "text/plain": "hi" }) };',
    );
    const rich = await client.ask("richInspectVariables", { variableName: "shown" });
    assert.deepEqual(rich.data, { "text/html": "<b>hi</b>", "text/plain": "hi" });
    assert.deepEqual((await client.ask("richInspectVariables", { variableName: "nobody" })).data, {});
    // JupyterLab asks at every output, without waiting.
    const lists = await Promise.all(Array.from({ length: 20 }, () => client.ask("inspectVariables")));
    for (const { variables } of lists)
      assert.ok((variables as { name: string }[]).some(({ name }) => name === "shown"));
    const code = "function inner() {\n  const local = { deep: [1, 2] };\n  return local;\n}\ninner();";
    await client.breakAt(code, 3);
    const running = kernel.send(code);
    const { frames } = await client.stop();
    const frameId = frames[0]!.id;
    const stopped = await client.ask("richInspectVariables", { variableName: "shown", frameId });
    assert.deepEqual(stopped.data, { "text/html": "<b>hi</b>", "text/plain": "hi" });
    const copy = { srcVariableName: "local", dstVariableName: "kept", srcFrameId: frameId };
    assert.equal((await client.request("copyToGlobals", copy)).success, true);
    await client.ask("continue");
    await running.done;
    const { result, stderr } = await kernel.execute("kept.deep[1]");
    assert.equal(result, "2");
    assert.equal(stderr, "");
  });

  it("stops in the user's own files, with their lines", async () => {
    const file = join(folder, "helper.ts");
    await writeFile(
      file,
      "type T = number;\n\nexport function help(n: T): T {\n  const m: T = n + 1;\n  return m;\n}\n",
    );
    await client.start();
    await client.ask("setBreakpoints", { source: { path: file }, breakpoints: [{ line: 4 }] });
    const running = kernel.send('import { help } from "./helper.ts";\nconst helped = help(1);');
    const stop = await client.stop();
    assert.equal(stop.line, 4);
    assert.equal(stop.frames[0]!.source.path, file);
    assert.equal(stop.frames[1]!.line, 2);
    assert.equal(await client.evaluate("n", stop.frames[0]!.id), "1");
    const { modules } = (await client.ask("modules")) as { modules: { path: string }[] };
    assert.ok(modules.some(({ path }) => path === file));
    await client.ask("continue");
    await running.done;
  });

  it("lets an interrupt end a stopped cell, and keeps its state", async () => {
    await client.start();
    const code = "let before = 5;\nwhile (true) {\n  before++;\n}";
    await client.breakAt(code, 3);
    const running = kernel.send(code);
    await client.stop();
    await kernel.interrupt();
    const { reply } = await running.done;
    assert.equal(reply.ename, "KernelInterrupt");
    await client.event("continued");
    assert.ok(Number((await kernel.execute("before")).result) >= 5);
    // Breakpoints hold again in the next run.
    const again = kernel.send(code);
    assert.equal((await client.stop()).line, 3);
    await kernel.interrupt();
    await again.done;
  });

  it("goes on when the client leaves", async () => {
    await client.start();
    const code = "const left = 1;\nleft + 1";
    await client.breakAt(code, 2);
    const running = kernel.send(code);
    await client.stop();
    await client.ask("disconnect", { restart: false });
    assert.equal((await running.done).result, "2");
    assert.equal((await client.ask("debugInfo")).isStarted, false);
    assert.equal((await kernel.execute(code)).result, "2");
  });

  it("stops in a cell with magics at the cell's own lines", async () => {
    await client.start();
    const code = "%who\nlet magical = 1;\nmagical += 1;\nmagical";
    await client.breakAt(code, 3);
    const running = kernel.send(code);
    assert.equal((await client.stop()).line, 3);
    await client.ask("continue");
    assert.equal((await running.done).result, "2");
  });

  it("refuses unknown commands and malformed requests", async () => {
    const unknown = await client.request("flyToTheMoon");
    assert.equal(unknown.success, false);
    assert.match(unknown.message!, /flyToTheMoon/);
    const malformed = await kernel.ask("debug_request", { seq: 5, arguments: 3 }, "control");
    assert.equal(malformed.success, false);
    assert.equal(malformed.request_seq, 5);
    await client.start();
    for (const [command, args] of [
      ["setBreakpoints", { source: {}, breakpoints: [{ line: "x" }] }],
      ["variables", { variablesReference: "many" }],
      ["scopes", { frameId: 1 }],
      ["evaluate", { expression: "let let = 1" }],
    ] as const) {
      const reply = await client.request(command, args);
      assert.equal(reply.success, false, command);
      assert.ok(reply.message, command);
    }
  });

  it("debugs the next session process as it did the one that died", async () => {
    await client.start();
    const code = "const reborn = 1;\nreborn + 1";
    await client.breakAt(code, 2);
    const first = kernel.send(code);
    await client.stop();
    await kernel.interrupt();
    await first.done;
    await kernel.execute("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});");
    const running = kernel.send(code);
    assert.equal((await client.stop()).line, 2);
    await client.ask("continue");
    assert.equal((await running.done).result, "2");
  });
});

describe("a kernel that ends", () => {
  it("does not wait for a stopped cell", async () => {
    const kernel = await TestKernel.start();
    const client = new DebugClient(kernel);
    await client.start();
    const code = "const held = 1;\nheld";
    await client.breakAt(code, 2);
    kernel.send(code).done.catch(() => undefined);
    await client.stop();
    await kernel.stop();
    assert.equal(await kernel.exited, 0);
  });
});
