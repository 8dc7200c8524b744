import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { InterruptedError } from "../../src/base/errors.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { until } from "../until.ts";
import { needsJail } from "./jail.ts";

const engines = ["jail", "pyodide"] as const;
const has = (t: TestContext, engine: string): boolean => engine === "pyodide" || needsJail(t);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const engine of engines) {
  test(`${engine}: an aborted snippet rejects, and the lane serves the next one`, async (t) => {
    if (!has(t, engine)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "pooled", lanes: 1 });
    t.after(() => python.close());
    const control = new AbortController();
    const running = python.run("while True: pass", { signal: control.signal, timeoutMs: 60_000 });
    const waiting = python.run("print(1)", { signal: control.signal });
    const next = python.run("print(2)");
    control.abort();
    await assert.rejects(running, InterruptedError);
    await assert.rejects(waiting, InterruptedError);
    assert.equal((await next).stdout, "2\n");
    await assert.rejects(python.run("print(3)", { signal: AbortSignal.abort() }), InterruptedError);
    assert.equal(python.stats().infrastructureFailures, 0);
  });

  test(`${engine}: a process killed from outside costs no result`, async (t) => {
    if (!has(t, engine)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "pooled", lanes: 2 });
    t.after(() => python.close());
    const pids = python.pids;
    const results = Array.from({ length: 20 }, (_, i) => python.run(`import time\ntime.sleep(0.05)\nprint(${i})`));
    await results[0];
    process.kill(pids[0]!, "SIGKILL");
    await until(() => !python.pids.includes(pids[0]!), "the process is replaced");
    assert.deepEqual(
      (await Promise.all(results)).map((result) => result.stdout),
      Array.from({ length: 20 }, (_, i) => `${i}\n`),
    );
    assert.ok(python.stats().infrastructureFailures >= 1);
  });

  test(`${engine}: a slow snippet holds one lane only`, async (t) => {
    if (!has(t, engine)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "pooled", lanes: 2 });
    t.after(() => python.close());
    let slowIsDone = false;
    const slow = python.run("while True: pass", { timeoutMs: 10_000 }).then((result) => {
      slowIsDone = true;
      return result;
    });
    const quick = await Promise.all(Array.from({ length: 40 }, (_, i) => python.run(`print(${i})`)));
    assert.ok(!slowIsDone);
    assert.ok(quick.every((result, i) => result.stdout === `${i}\n`));
    await Promise.all([python.close(), assert.rejects(slow, InterruptedError)]);
  });

  test(`${engine}: close() leaves no process behind`, async (t) => {
    if (!has(t, engine)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "snippet", lanes: 2 });
    const running = python.run("while True: pass", { timeoutMs: 60_000 });
    const { pids } = python;
    assert.ok(pids.length >= 2 && pids.every(isAlive));
    await Promise.all([python.close(), assert.rejects(running, InterruptedError)]);
    assert.deepEqual(pids.filter(isAlive), []);
    await assert.rejects(python.run("print(1)"), InterruptedError);
  });

  test(`${engine}: no process outlives a driver that was killed`, async (t) => {
    if (!has(t, engine)) return;
    const module = new URL("../../src/interpreter/index.js", import.meta.url).href;
    const code = `
      const { PythonInterpreter } = await import(${JSON.stringify(module)});
      const python = await PythonInterpreter.start({ engine: "${engine}", isolation: "pooled", lanes: 1 });
      await python.run("print(1)");
      python.run("while True: pass", { timeoutMs: 600000 });
      console.log(JSON.stringify(python.pids));`;
    const driver = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: driver.stdout }), "line");
    const pids: number[] = JSON.parse(line);
    assert.ok(pids.length > 0);
    driver.kill("SIGKILL");
    await until(() => !pids.some(isAlive), "its processes end");
  });

  test(`${engine}: an idle interpreter does not keep its program running`, async (t) => {
    if (!has(t, engine)) return;
    const module = new URL("../../src/interpreter/index.js", import.meta.url).href;
    const code = `
      const { PythonInterpreter } = await import(${JSON.stringify(module)});
      const python = await PythonInterpreter.start({ engine: "${engine}", isolation: "pooled", lanes: 1 });
      console.log((await python.run("print(6 * 7)")).stdout);`;
    const driver = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    driver.stdout.on("data", (text) => {
      output += text;
    });
    const [exitCode] = await once(driver, "exit");
    assert.equal(exitCode, 0);
    assert.equal(output, "42\n\n");
  });
}

test("pyodide: pooled snippets find everything as it was", async (t) => {
  const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "pooled", lanes: 1 });
  t.after(() => python.close());
  const { pids } = python;
  await python.run(
    "import math, builtins, sys, os, decimal, random\nmath.pi = 3\nbuiltins.len = None\nsys.setrecursionlimit(77)\n" +
      "os.environ['A'] = '1'\nos.chdir('/')\ndecimal.getcontext().prec = 3\nx = 5\nimport wave\nsys.path.append('/x')",
  );
  const after = await python.run(
    "import math, sys, os, decimal, random\nprint(math.pi, len('ab'), sys.getrecursionlimit(), 'A' in os.environ, " +
      "os.getcwd(), decimal.getcontext().prec, 'x' in globals(), 'wave' in sys.modules, '/x' in sys.path)",
  );
  assert.equal(after.stdout, "3.141592653589793 2 1000 False /home/pyodide 28 False False False\n");
  assert.deepEqual(python.pids.slice(0, pids.length), pids, "served by the same processes");
  assert.equal(python.stats().recycled, 0);
});

test("pyodide: a rollout keeps its process, another one gets a fresh one", async (t) => {
  const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "rollout", lanes: 1 });
  t.after(() => python.close());
  // The reset between snippets leaves class attributes alone: they tell one process from another.
  await python.run("import random\nrandom.Random.marker = 1\nprint(1)", { rolloutId: "a" });
  const marked = async (rolloutId: string) =>
    (await python.run("import random\nprint(hasattr(random.Random, 'marker'))", { rolloutId })).stdout;
  assert.equal(await marked("a"), "True\n");
  assert.equal(python.stats().recycled, 0);
  assert.equal(await marked("b"), "False\n");
  assert.equal(await marked("b"), "False\n");
  const before = python.stats().recycled;
  await python.run("print(1)");
  await python.run("print(1)");
  assert.ok(python.stats().recycled >= before + 2, "snippets without a rollout share nothing");
});

test("output at the limit is kept, and what is invalid in it becomes a valid string", async (t) => {
  const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "pooled", lanes: 1 });
  t.after(() => python.close());
  const binary = await python.run("import sys\nsys.stdout.buffer.write(bytes(range(256)) * 40)");
  assert.equal(binary.status, "ok");
  assert.equal(Buffer.from(binary.stdout, "utf8").toString("utf8"), binary.stdout);
  const endless = await python.run("while True: print('abc' * 100)");
  assert.equal(endless.status, "outputLimit");
  assert.equal(endless.truncated, true);
  assert.equal(endless.stdout.length, 1 << 20);
  assert.equal((await python.run("print('\\ud800'.encode('utf-8', 'surrogatepass'))")).status, "ok");
  assert.equal((await python.run(`print("${"\ud800"}")`)).stdout, "\ufffd\n");
});
