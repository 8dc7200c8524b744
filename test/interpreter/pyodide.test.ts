import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readlink } from "node:fs/promises";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../src/base/modules.ts";
import { PythonInterpreter, type PythonInterpreterOptions } from "../../src/interpreter/index.ts";
import { Lane } from "../../src/interpreter/lane.ts";
import { testPyodide } from "../../src/interpreter/pyodide/self-test.ts";

async function started(t: TestContext, options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
  const python = await PythonInterpreter.start({ engine: "pyodide", lanes: 1, timeoutMs: 30_000, ...options });
  t.after(() => python.close());
  return python;
}

const printed = async (python: PythonInterpreter, code: string, rolloutId?: string): Promise<string> => {
  const { status, stdout, stderr } = await python.run(code, rolloutId === undefined ? {} : { rolloutId });
  assert.equal(status, "ok", stderr);
  return stdout;
};

test("sympy is loaded for snippets that import it, and only for them", async (t) => {
  const python = await started(t, { isolation: "pooled" });
  if (!python.packages.length) return t.skip("no sympy here");
  assert.match(python.packages.join(), /^sympy \d.*,mpmath \d/);
  assert.match(python.description, /sympy \d/);
  assert.equal(await printed(python, "import sys\nprint('symp' + 'y' in sys.modules)"), "False\n");
  const calculus =
    "from sympy import *\nx = symbols('x')\nprint(integrate(x * exp(x), x), solve(x**2 - 5*x + 6), factorint(2**64 + 1))";
  assert.equal(await printed(python, calculus), "(x - 1)*exp(x) [2, 3] {274177: 1, 67280421310721: 1}\n");
  assert.equal(
    await printed(python, "import sympy.physics.mechanics as m\nprint(m.ReferenceFrame('N').x)"),
    "N.x\n",
    "a part that was not loaded beforehand",
  );
  await python.run("import sympy\nsympy.integrate = None\nsympy.left = 1");
  const after = "import sympy\nprint(callable(sympy.integrate), hasattr(sympy, 'left'))";
  assert.equal(await printed(python, after), "True False\n");
});

test("without the packages an import of sympy fails as it does in Python", async (t) => {
  const python = await started(t, { profile: "bare", isolation: "pooled" });
  assert.deepEqual(python.packages, []);
  assert.equal((await python.run("import sympy")).error?.lastLine, "ModuleNotFoundError: No module named 'sympy'");
});

test("a session keeps its variables, a fork goes on by itself, and a session ends with its process", async (t) => {
  const python = await started(t);
  const session = await python.session();
  await session.run("import random, tempfile\nn = random.random()\nopen('kept', 'w').write('x')");
  assert.equal((await session.run("n = [n, open('kept').read()]\nn[1]", { lastExpression: true })).value, "'x'");
  const fork = await session.fork();
  assert.equal(fork.mismatch, undefined);
  await fork.run("n = None");
  const same = await session.run("print(n[0])");
  const early = await session.fork({ cell: 1 });
  assert.equal((await early.run("print(n)")).stdout, same.stdout);
  assert.equal((await python.run("print('n' in globals())")).stdout, "False\n");

  await session.run("import time\nprint(time.time_ns())");
  const other = await session.fork();
  assert.equal(other.mismatch?.cell, 3);
  assert.notEqual(other.mismatch?.expected.stdout, other.mismatch?.found.stdout);

  assert.equal((await early.run("while True: pass", { timeoutMs: 500 })).status, "timeout");
  await assert.rejects(early.run("print(n)"), /lost/);
  await Promise.all([session, fork, early, other].map((open) => open.close()));
});

test("an exact clock, the last value and the whole traceback", async (t) => {
  const python = await started(t, { clock: 1e9, isolation: "pooled" });
  const look =
    "import time, datetime\nprint(time.time(), datetime.datetime.now(datetime.timezone.utc).year)\ntime.time()";
  const [first, second] = [
    await python.run(look, { lastExpression: true }),
    await python.run(look, { lastExpression: true }),
  ];
  assert.equal(first.stdout, "1000000000.0 2001\n");
  assert.deepEqual([second.stdout, second.value], [first.stdout, first.value]);
  const failed = await python.run("def f():\n    return [][1]\nf()");
  assert.equal(
    failed.error?.traceback,
    'Traceback (most recent call last):\n  File "<snippet>", line 3, in <module>\n    f()\n' +
      '  File "<snippet>", line 2, in f\n    return [][1]\nIndexError: list index out of range',
  );
});

test("useful code runs, and what Pyodide cannot do fails clearly", async (t) => {
  const python = await started(t, { isolation: "rollout" });
  const threads = await python.run("import threading\nthreading.Thread(target=print).start()");
  assert.equal(threads.error?.lastLine, "RuntimeError: can't start new thread");
  const processes = await python.run("import subprocess\nsubprocess.run(['true'])");
  assert.match(processes.error!.lastLine, /^OSError: .*does not support processes/);
  const cases: [code: string, output: string][] = [
    [
      "import asyncio\nasync def f(n):\n    await asyncio.sleep(0.01 * n)\n    return n\n" +
        "async def main(): return await asyncio.gather(f(2), f(1))\nprint(asyncio.run(main()))",
      "[2, 1]\n",
    ],
    [
      "import tempfile, os\nfor i in range(3000):\n    with tempfile.NamedTemporaryFile() as f:\n        f.write(b'x' * 20000)\n" +
        "with tempfile.TemporaryDirectory() as d:\n    open(d + '/a', 'w').write('y')\n    print(os.listdir(d))",
      "['a']\n",
    ],
    ["def f(n): return n and 1 + f(n - 1)\nprint(f(900))", "900\n"],
    ["import sys\nsys.setrecursionlimit(20000)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(15000))", "15000\n"],
    [
      "import sqlite3, zlib, hashlib\nprint(zlib.decompress(zlib.compress(b'a')), hashlib.sha256(b'').hexdigest()[:8])",
      "b'a' e3b0c442\n",
    ],
  ];
  for (const [code, output] of cases) assert.equal(await printed(python, code, "one"), output);
});

test("memory and files have their limits, and the peak is told", async (t) => {
  const python = await started(t, { isolation: "snippet", memoryMb: 128 });
  const used = await python.run("x = bytearray(90 * 2**20)\ndel x\nopen('/tmp/f', 'wb').write(bytes(10 * 2**20))");
  assert.equal(used.status, "ok", used.stderr);
  assert.ok(used.peakMemoryMb! >= 80 && used.peakMemoryMb! <= 128, `${used.peakMemoryMb} MiB`);
  assert.equal((await python.run("x = bytearray(200 * 2**20)")).status, "memory");
  assert.equal((await python.run("x = bytearray(60 * 2**20)", { memoryMb: 32 })).status, "memory");
  assert.match((await python.run("open('/tmp/f', 'wb').write(bytes(17 * 2**20))")).error!.lastLine, /No space left/);
  assert.match(
    (await python.run("for i in range(2000): open(f'/tmp/{i}', 'w').close()")).error!.lastLine,
    /No space left/,
  );
  const arrays =
    "from pyodide.ffi import to_js\nArray = to_js(b'x').constructor\nkept = []\n" +
    "for i in range(100):\n    kept.append(Array.new(50_000_000))\n    kept[-1].fill(1)\nprint('5 GB')";
  assert.equal((await python.run(arrays)).stdout, "", "arrays of JavaScript's");
  assert.equal(await printed(python, "print(1)"), "1\n");
});

test("a process that is killed in the middle of a rollout costs nobody a result", async (t) => {
  const python = await started(t, { isolation: "rollout", lanes: 2 });
  const before = await printed(python, "print('a1')", "a");
  const running = python.run("import time\nprint('a2', flush=True)\ntime.sleep(1)\nprint('a3')", { rolloutId: "a" });
  const other = python.run("import time\ntime.sleep(0.5)\nprint('b1')", { rolloutId: "b" });
  // Every process that stands, one after the other: among them the two that are busy.
  for (const pid of python.pids) process.kill(pid, "SIGKILL");
  assert.deepEqual([before, (await running).stdout, (await other).stdout], ["a1\n", "a2\na3\n", "b1\n"]);
  assert.equal((await python.run("print('a4')", { rolloutId: "a" })).stdout, "a4\n");
  assert.ok(python.stats().infrastructureFailures >= 1);

  const session = await python.session();
  await session.run("x = 41");
  for (const pid of python.pids) process.kill(pid, "SIGKILL");
  assert.equal((await session.run("print(x + 1)")).stdout, "42\n");
  await session.close();
});

test("two interpreters at once answer their own callers", async (t) => {
  const [one, two] = await Promise.all([
    started(t, { isolation: "pooled", seed: 1 }),
    started(t, { isolation: "rollout", seed: 2 }),
  ]);
  const ask = (python: PythonInterpreter, who: string) =>
    Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const code = `import random\nprint("${who}", ${i}, random.randint(0, 10**9))`;
        return (await python.run(code, { rolloutId: who })).stdout;
      }),
    );
  const [first, second] = await Promise.all([ask(one, "one"), ask(two, "two")]);
  const number = (line: string): string => line.split(" ")[2]!;
  for (const [i, line] of first.entries()) assert.equal(line, `one ${i} ${number(first[0]!)}`);
  for (const [i, line] of second.entries()) assert.equal(line, `two ${i} ${number(second[0]!)}`);
  assert.notEqual(number(first[0]!), number(second[0]!));
});

test("three hundred snippets leave no process and no descriptor behind", async (t) => {
  const python = await started(t, { isolation: "pooled", profile: "bare", lanes: 2 });
  const descriptors = async (): Promise<number> => {
    const names = await readdir("/proc/self/fd").catch(() => []);
    const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
    return links.filter((link) => /^(socket|pipe):|snapshot/.test(link)).length;
  };
  const burst = async (count: number): Promise<void> => {
    const kinds = ["print(1)", "1/0", "x = 'a' * 10**6", "import os\nos._exit(1)", "open('left', 'w')"];
    const codes = Array.from({ length: count }, (_, i) => (i % 50 < 5 ? kinds[i % 50]! : `print(${i})`));
    await Promise.all(codes.map((code) => python.run(code)));
  };
  const settled = async (): Promise<[processes: number, descriptors: number]> => {
    await Promise.all(Array.from({ length: 8 }, () => python.run("print(1)")));
    return [python.pids.length, await descriptors()];
  };
  await burst(50);
  const before = await settled();
  await burst(250);
  const after = await settled();
  // A process that takes another's place may be there while that one is not yet gone.
  assert.ok(after[0] <= before[0] + 1, `${before[0]} processes, then ${after[0]}`);
  assert.ok(after[1] <= before[1] + 4, `${before[1]} descriptors, then ${after[1]}`);
  assert.equal(python.stats().byStatus.infrastructure, 0);
});

test("the self-test holds here, and finds the holes of a Pyodide that is not hardened", async (t) => {
  const python = await started(t, { profile: "bare", isolation: "pooled" });
  const { holds, probes } = await python.selfTest();
  assert.ok(holds, JSON.stringify(probes));
  assert.ok(probes.length > 12);
  const open = (): Lane =>
    new Lane({
      profile: "bare",
      capacity: 1,
      deadlineMs: (timeoutMs) => timeoutMs,
      deadlineMeans: "timeout",
      connect: () => {
        const main = fileURLToPath(siblingModule(import.meta.url, "./open-pyodide"));
        const child = spawn(process.execPath, [main], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
        const channel = child.stdio[3] as Socket;
        return {
          child,
          requests: channel,
          replies: channel,
          handles: [child, channel, child.stderr as unknown as Socket],
        };
      },
    });
  const found = await testPyodide(open, false);
  assert.equal(found.holds, false);
  const holes = found.probes.filter((probe) => !probe.holds).map(({ name }) => name);
  for (const name of ["Node's process", "running JavaScript", "a function from a string", "a shell"])
    assert.ok(holes.includes(name), `${name} was not found: ${holes}`);
});
