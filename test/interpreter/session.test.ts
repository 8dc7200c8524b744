import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { InterruptedError, InvalidInputError, SessionLostError } from "../../src/base/errors.ts";
import { PythonInterpreter, type PythonInterpreterOptions } from "../../src/interpreter/index.ts";
import { until } from "../until.ts";
import { descendants } from "./host.ts";
import { needsJail } from "./jail.ts";

const engines = ["jail", "pyodide"] as const;

async function start(
  t: TestContext,
  engine: (typeof engines)[number],
  options: PythonInterpreterOptions = {},
): Promise<PythonInterpreter> {
  const python = await PythonInterpreter.start({ engine, lanes: 2, profile: "bare", ...options });
  t.after(() => python.close());
  return python;
}

async function killAll(python: PythonInterpreter): Promise<void> {
  const { pids } = python;
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until(() => !python.pids.some((pid) => pids.includes(pid)), "they are gone");
}

for (const engine of engines) {
  test(`${engine}: cells share variables, sessions do not, and each cell's outcome is its own`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await start(t, engine);
    const [one, two] = await Promise.all([python.session(), python.session()]);
    await Promise.all([one.run("x = 1\ndef f(): return 1 / 0"), two.run("x = 2")]);
    assert.equal((await one.run("x + 1", { lastExpression: true })).value, "2");
    assert.equal((await two.run("x + 1", { lastExpression: true })).value, "3");
    const failed = await one.run("print('before')\nf()");
    assert.equal(failed.status, "error");
    assert.equal(failed.stdout, "before\n");
    assert.equal(failed.error?.line, 2);
    assert.equal(
      failed.error?.traceback,
      [
        "Traceback (most recent call last):",
        '  File "<cell 3>", line 2, in <module>',
        "    f()",
        '  File "<cell 1>", line 2, in f',
        "    def f(): return 1 / 0",
        "ZeroDivisionError: division by zero",
      ].join("\n"),
    );
    const exited = await one.run("import sys\nsys.exit(3)");
    assert.deepEqual([exited.status, exited.exitCode], ["error", 3]);
    assert.equal((await one.run("print(x)")).stdout, "1\n");
    assert.equal((await python.run("print('x' in globals())")).stdout, "False\n");
    assert.equal(one.cells.length, 5);
    assert.equal(one.lost, undefined);
    await Promise.all([one.close(), two.close()]);
    await assert.rejects(one.run("1"), InvalidInputError);
  });

  test(`${engine}: a fork replays the cells and goes its own way; what does not repeat is reported`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await start(t, engine, { clock: 1.7e9 });
    const session = await python.session();
    await session.run("import random, time\nx = [random.random(), time.time()]\nprint(x, hash('a'))");
    await session.run("x.append(object())\nx", { lastExpression: true });
    const fork = await session.fork();
    assert.equal(fork.mismatch, undefined);
    await fork.run("x[0] = 'fork'");
    assert.match((await session.run("print(x[0])")).stdout, /^0\.\d+\n$/);
    assert.equal((await fork.run("print(x[0])")).stdout, "fork\n");
    const early = await session.fork({ cell: 1 });
    assert.equal((await early.run("print(len(x))")).stdout, "2\n");
    await assert.rejects(session.fork({ cell: 9 }), /Invalid cell 9.*3 cells/);

    await session.run("import os\nprint(os.urandom(8).hex())");
    const other = await session.fork();
    assert.equal(other.mismatch?.cell, 3);
    assert.notEqual(other.mismatch?.expected.stdout, other.mismatch?.found.stdout);
    assert.equal(other.cells.length, 4);
    for (const each of [session, fork, early, other]) await each.close();
  });

  test(`${engine}: a cell that is ended from outside takes its session with it, and a fork goes on from before`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await start(t, engine);
    const session = await python.session();
    await session.run("x = 1");
    assert.equal((await session.run("while True: pass", { timeoutMs: 300 })).status, "timeout");
    assert.match(session.lost ?? "", /cell 1 .*"timeout"/);
    await assert.rejects(session.run("x"), SessionLostError);
    const fork = await session.fork({ cell: 1 });
    assert.equal((await fork.run("print(x)")).stdout, "1\n");

    const control = new AbortController();
    const running = fork.run("while True: pass", { signal: control.signal, timeoutMs: 60_000 });
    const waiting = fork.run("print(1)");
    setImmediate(() => control.abort());
    await assert.rejects(running, InterruptedError);
    await assert.rejects(waiting, SessionLostError);
    await fork.close();
  });

  test(`${engine}: a process that is killed between two cells costs nothing where the cells repeat`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await start(t, engine);
    const session = await python.session();
    await session.run("import random\nx = random.random()\nprint(x)");
    await killAll(python);
    const { status, stdout } = await session.run("print(x)");
    assert.equal(status, "ok");
    assert.equal(stdout, session.cells[0]!.result.stdout);
    assert.equal(session.cells.length, 2);

    await session.run("import os\nx = os.urandom(8)\nprint(x)");
    await killAll(python);
    assert.equal((await session.run("print(x)")).status, "infrastructure");
    await assert.rejects(session.run("1"), SessionLostError);
    assert.ok(python.stats().infrastructureFailures >= 2);
    assert.ok(python.stats().failuresByKind.died >= 2);
  });

  test(`${engine}: more sessions than may be open wait for one that closes`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await start(t, engine, { sessions: 1 });
    const first = await python.session();
    await first.run("x = 1");
    const control = new AbortController();
    const second = python.session();
    const third = python.session({ signal: control.signal });
    let opened = false;
    second.then(() => {
      opened = true;
    });
    control.abort();
    await assert.rejects(third, InterruptedError);
    assert.equal((await python.run("print(1)")).stdout, "1\n", "snippets go on");
    assert.equal(opened, false);
    await first.close();
    assert.equal((await (await second).run("print('x' in globals())")).stdout, "False\n");
    await (await second).close();
  });
}

test("jail: nothing of a session runs between its cells, and closing it ends its process", async (t) => {
  if (!needsJail(t)) return;
  const python = await start(t, "jail", { lanes: 1 });
  const standing = descendants(python.pids).length;
  const session = await python.session();
  await session.run(
    "import threading\nn = 0\nrun = True\ndef count():\n    global n\n    while run:\n        n += 1\n        print('late')\nthreading.Thread(target=count, daemon=True).start()",
  );
  const before = await session.run("run = False\nseen = n");
  assert.ok(!before.stdout.includes("\u0000"));
  for (let i = 0; i < 5; i++) await python.run("sum(range(10**6))");
  assert.equal((await session.run("print(n - seen < 3)")).stdout.replaceAll("late\n", ""), "True\n");
  assert.equal(descendants(python.pids).length, standing + 1);
  await session.close();
  assert.equal(descendants(python.pids).length, standing);
});
