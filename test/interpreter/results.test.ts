import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { needsJail } from "./jail.ts";

for (const engine of ["jail", "pyodide"] as const)
  test(`${engine}: a result holds values, clock, bytes and whole tracebacks as documented`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "pooled", lanes: 1, clock: 1_000_000 });
    t.after(() => python.close());

    const value = async (code: string) => (await python.run(code, { lastExpression: true })).value;
    assert.equal(await value("x = 2\nx + 40"), "42");
    assert.equal(await value("x = 2"), undefined);
    assert.equal(await value("print(1)"), undefined);
    assert.equal(await value("'\\ud800'"), "'\\ud800'");
    assert.equal((await python.run("1")).value, undefined);
    const bad = await python.run("class A:\n    def __repr__(self): return 1 / 0\nA()", { lastExpression: true });
    assert.equal(bad.error?.lastLine, "ZeroDivisionError: division by zero");

    const clock = `import time, datetime as d
start = time.time()
time.sleep(0.05)
print(start, round(time.time() - start, 3), d.datetime.now(d.timezone.utc), isinstance(d.datetime.now(), d.datetime))
print(d.date.today(), repr(d.datetime(2020, 2, 3)), time.strftime("%Y", time.gmtime()), type(d.datetime.now()).__name__)`;
    for (let i = 0; i < 2; i++)
      assert.equal(
        (await python.run(clock)).stdout,
        "1000000.0 0.051 1970-01-12 13:46:40.052000+00:00 True\n" +
          "1970-01-12 datetime.datetime(2020, 2, 3, 0, 0) 1970 datetime\n",
      );

    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const binary = await python.run("import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stderr.write('é')");
    assert.deepEqual(binary.stdoutBytes, bytes);
    assert.equal(binary.stderr, "é");
    assert.equal(binary.stderrBytes, undefined);

    const traceback = async (code: string) => (await python.run(code)).error?.traceback.split("\n");
    assert.deepEqual(
      await traceback("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('a') from e"),
      [
        "Traceback (most recent call last):",
        '  File "<snippet>", line 2, in <module>',
        "    1 / 0",
        "ZeroDivisionError: division by zero",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        '  File "<snippet>", line 4, in <module>',
        "    raise KeyError('a') from e",
        "KeyError: 'a'",
      ],
    );
    assert.deepEqual(await traceback("x = 1\ny = ("), [
      '  File "<snippet>", line 2',
      "    y = (",
      "SyntaxError: invalid syntax",
    ]);
    assert.deepEqual(await traceback("import json\njson.loads('{')"), [
      "Traceback (most recent call last):",
      '  File "<snippet>", line 2, in <module>',
      "    json.loads('{')",
      "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ]);
    assert.equal((await traceback("def f(): f()\nf()"))?.at(-2), "  [Previous line repeated more times]");
    await assert.rejects(python.run("1", { memoryMb: -1 }), /memoryMb.*-1/);
    await assert.rejects(python.run("1", { timeoutMs: 0 }), /timeoutMs.*0/);
    assert.equal((await python.run("print('x' * 100)", { maxOutputBytes: 10 })).stdout, "x".repeat(10));
  });

test("jail: figures left open come back as PNG", async (t) => {
  if (!needsJail(t)) return;
  const python = await PythonInterpreter.start({ engine: "jail", lanes: 1 });
  t.after(() => python.close());
  if (!python.packages.some((name) => name.startsWith("matplotlib"))) return t.skip("no matplotlib for the jail");
  const code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\nplt.plot([2, 1])";
  const { status, images, stderr } = await python.run(code, { plots: true, timeoutMs: 60_000 });
  assert.equal(status, "ok", stderr);
  assert.equal(images?.length, 2);
  for (const { mime, data } of images!) {
    assert.equal(mime, "image/png");
    assert.equal(Buffer.from(data, "base64").subarray(1, 4).toString("latin1"), "PNG");
  }
  assert.notEqual(images![0]!.data, images![1]!.data);
  assert.equal((await python.run(code, { timeoutMs: 60_000 })).images, undefined);
});
