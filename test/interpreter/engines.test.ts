import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ExecutionResult, PythonInterpreter } from "../../src/interpreter/index.ts";
import { faultySnippets } from "./faulty-snippets.ts";
import { needsJail } from "./jail.ts";
import { okSnippets } from "./ok-snippets.ts";

/** The tables on one engine; every difference is named. */
async function agreesWithTables(t: TestContext, engine: "jail" | "pyodide"): Promise<void> {
  const python = await PythonInterpreter.start({ engine, isolation: "pooled", profile: "bare" });
  t.after(() => python.close());
  const wrong: unknown[] = [];
  const check = async (code: string, expected: string, read: (result: ExecutionResult) => string): Promise<void> => {
    const result = await python.run(code, { timeoutMs: 20_000 });
    if (read(result) !== expected) wrong.push({ code, expected, got: read(result), status: result.status });
  };
  await Promise.all([
    ...faultySnippets.map(([code, line]) => check(code, line, (result) => python.feedback(result))),
    ...okSnippets.map(([code, stdout]) => check(code, stdout, (result) => result.stdout)),
  ]);
  assert.deepEqual(wrong, []);
  assert.equal(python.stats().snippets, faultySnippets.length + okSnippets.length);
  assert.equal(python.stats().infrastructureFailures, 0);
  assert.equal(python.engine, engine);
}

test("faulty and ordinary snippets give the expected lines in the jail", async (t) => {
  if (needsJail(t)) await agreesWithTables(t, "jail");
});

test("faulty and ordinary snippets give the same lines on Pyodide", (t) => agreesWithTables(t, "pyodide"));

test("auto says which engine it chose and why", async (t) => {
  const python = await PythonInterpreter.start({ lanes: 1 });
  t.after(() => python.close());
  assert.match(python.description, /^Python 3\.\d+\.\d+ (in a bubblewrap jail|on Pyodide)[ ,].*; chosen because .*\.$/);
  const result = await python.run("print(2**10)");
  assert.deepEqual(
    { ...result, durationMs: 0, queuedMs: 0, peakMemoryMb: null },
    {
      status: "ok",
      exitCode: 0,
      stdout: "1024\n",
      stderr: "",
      durationMs: 0,
      queuedMs: 0,
      peakMemoryMb: null,
      truncated: false,
    },
  );
});

test("an error carries its name, message and line", async (t) => {
  const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "pooled", lanes: 1 });
  t.after(() => python.close());
  const result = await python.run("def f():\n    return 1 // 0\n\nprint('before')\nf()");
  assert.equal(result.status, "error");
  assert.equal(result.stdout, "before\n");
  assert.match(result.stderr, /File "<snippet>", line 5[\s\S]*File "<snippet>", line 2/);
  assert.deepEqual(result.error, {
    name: "ZeroDivisionError",
    message: "division by zero",
    line: 2,
    lastLine: "ZeroDivisionError: division by zero",
    traceback: [
      "Traceback (most recent call last):",
      '  File "<snippet>", line 5, in <module>',
      "    f()",
      '  File "<snippet>", line 2, in f',
      "    return 1 // 0",
      "ZeroDivisionError: division by zero",
    ].join("\n"),
  });
  assert.equal((await python.run("x = 1\ny = (")).error?.line, 2);
});

test("bad options are refused at the door", async () => {
  await assert.rejects(PythonInterpreter.start({ timeoutMs: -1 }), /timeoutMs.*-1/);
  await assert.rejects(PythonInterpreter.start({ engine: "docker" as "jail" }), /engine.*docker/);
  await assert.rejects(PythonInterpreter.start({ lane: 2 } as object), /lane/);
});
