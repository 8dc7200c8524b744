import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PythonInterpreter, type PythonInterpreterOptions } from "../../src/interpreter/index.ts";
import { packageFolder } from "../../src/interpreter/packages/index.ts";
import { descendants } from "./host.ts";
import { needsJail } from "./jail.ts";

async function startJail(t: TestContext, options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
  const python = await PythonInterpreter.start({ engine: "jail", lanes: 2, ...options });
  t.after(() => python.close());
  return python;
}

function needsPackages(t: TestContext): boolean {
  const has = packageFolder("jail") !== undefined;
  if (!has) t.skip("no numpy and sympy for the jail");
  return has;
}

test("the self-test names each probe, and all hold", async (t) => {
  if (!needsJail(t)) return;
  const report = await (await startJail(t)).selfTest();
  assert.ok(report.probes.length > 10);
  assert.ok(report.probes.some(({ name }) => name === "reading /etc/shadow"));
  assert.deepEqual(
    report.probes.filter(({ holds }) => !holds),
    [],
  );
  assert.equal(report.holds, true);
});

test("sympy and numpy are loaded for snippets that import them, and nothing else of the distribution can be imported", async (t) => {
  if (!needsJail(t) || !needsPackages(t)) return;
  const python = await startJail(t);
  assert.ok(python.packages.some((name) => /^sympy \d/.test(name)));
  assert.ok(python.description.includes(python.packages[0]!));
  const loaded = "import sys\nprint('sympy' in sys.modules)";
  assert.equal((await python.run(loaded)).stdout, "False\n");
  assert.equal((await python.run(`from sympy import factor\n${loaded}`)).stdout, "True\n");
  assert.equal((await python.run(`x = 1; import math, numpy as np\n${loaded}`)).stdout, "True\n");
  const { stdout } = await python.run(
    "import numpy as np, sympy as sp\nprint(int(np.linalg.det(np.eye(3)) * 7), sp.solve(sp.Symbol('x') ** 2 - 4))",
  );
  assert.equal(stdout, "7 [-2, 2]\n");
  const others = await python.run(
    "import importlib.util as u, os\nprint([n for n in ('yaml', 'apt', 'pip', 'setuptools', 'PIL.Image') if n.split('.')[0] not in ('PIL',) and u.find_spec(n)])\nprint(set(e.split('-')[0].lower() for e in os.listdir('/packages') if e == 'apt'))",
  );
  assert.equal(others.stdout, "[]\nset()\n");
});

test('the profile "bare" offers the standard library alone', async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t, { profile: "bare" });
  assert.deepEqual(python.packages, []);
  assert.equal((await python.run("import sympy")).error?.lastLine, "ModuleNotFoundError: No module named 'sympy'");
});

test("a snippet's peak memory is its own, and its limit holds on both profiles", async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t);
  for (const first of ["", "import sympy\n"]) {
    assert.ok((await python.run(`${first}1`)).peakMemoryMb! < 30);
    const peak = (await python.run(`${first}x = bytearray(120 * 2**20)\ndel x`)).peakMemoryMb!;
    assert.ok(peak >= 119 && peak < 160, `${peak} MiB`);
    assert.equal((await python.run(`${first}x = bytearray(400 * 2**20)`)).status, "memory");
    assert.equal((await python.run(`${first}x = bytearray(400 * 2**20)`, { memoryMb: 600 })).status, "ok");
    assert.equal((await python.run(`${first}x = bytearray(200 * 2**20)`, { memoryMb: 64 })).status, "memory");
  }
});

test("two interpreters at once do not meet", async (t) => {
  if (!needsJail(t)) return;
  const [one, two] = await Promise.all([startJail(t, { seed: 1 }), startJail(t, { seed: 2 })]);
  const code = (i: number) => `import random\nprint(${i}, random.randrange(10**9))`;
  const ask = (python: PythonInterpreter) =>
    Promise.all(Array.from({ length: 60 }, async (_, i) => (await python.run(code(i))).stdout));
  const [first, second] = await Promise.all([ask(one), ask(two)]);
  const own = (outputs: string[]) => new Set(outputs.map((text) => text.split(" ")[1]));
  assert.equal(own(first).size, 1);
  assert.equal(own(second).size, 1);
  assert.notDeepEqual(own(first), own(second));
  assert.deepEqual(
    first.map((text) => Number(text.split(" ")[0])),
    Array.from({ length: 60 }, (_, i) => i),
  );
});

test("an aborted snippet ends alone: its neighbours in the same process go on", async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t, { lanes: 4 });
  const { pids } = python;
  const control = new AbortController();
  const endless = Array.from({ length: 2 }, () =>
    python.run("while True: pass", { signal: control.signal, timeoutMs: 60_000 }),
  );
  const neighbours = Array.from({ length: 4 }, (_, i) => python.run(`import time\ntime.sleep(0.5)\nprint(${i})`));
  await python.run("print('all have started')");
  control.abort();
  for (const { status, reason } of (await Promise.allSettled(endless)) as PromiseRejectedResult[])
    assert.deepEqual([status, reason.code], ["rejected", "interrupted"]);
  assert.deepEqual(
    (await Promise.all(neighbours)).map(({ stdout }) => stdout),
    ["0\n", "1\n", "2\n", "3\n"],
  );
  assert.deepEqual(python.pids, pids);
  const standing = descendants(python.pids).length;
  await python.run("1");
  assert.equal(descendants(python.pids).length, standing);
});

test("a jail starts on a machine whose disk is full", async (t) => {
  if (!needsJail(t)) return;
  const module = new URL("../../src/interpreter/index.js", import.meta.url).href;
  const code = `
    import { writeFileSync } from "node:fs";
    let full = "";
    try { writeFileSync(process.env.TMPDIR + "/more", "x".repeat(8192)); } catch (error) { full = error.code; }
    const { PythonInterpreter } = await import(${JSON.stringify(module)});
    const python = await PythonInterpreter.start({ engine: "jail", lanes: 1 });
    const { status, stdout } = await python.run("open('/tmp/own', 'w').write('x' * 10**6)\\nprint(6 * 7)");
    await python.close();
    console.log(JSON.stringify([full, status, stdout]));`;
  const folder = await mkdtemp(join(tmpdir(), "cirlab-full-"));
  t.after(() => rm(folder, { recursive: true }));
  const script = 'mount -t tmpfs -o size=4k none "$TMPDIR" && exec "$0" --input-type=module -e "$1"';
  const child = spawn("/usr/bin/unshare", ["-rm", "/bin/sh", "-c", script, process.execPath, code], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let complaint = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  const [exitCode] = await once(child, "exit");
  if (/unshare|mount/.test(complaint) && !output) return t.skip(`no tmpfs of one's own here: ${complaint.trim()}`);
  assert.equal(exitCode, 0, complaint);
  assert.deepEqual(JSON.parse(output), ["ENOSPC", "ok", "42\n"]);
});
