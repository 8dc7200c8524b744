import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { packageFolder } from "../../src/interpreter/packages/index.ts";
import { type Execution, TestKernel } from "./client.ts";

const resultData = ({ messages }: Execution): Record<string, string> =>
  (messages.find(({ header }) => header.msg_type === "execute_result")?.content.data ?? {}) as Record<string, string>;

describe("Python in a notebook", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());
  const fails = async (code: string) => {
    const { reply } = await kernel.execute(code);
    assert.equal(reply.status, "error", code);
    return {
      name: reply.ename as string,
      text: stripVTControlCharacters((reply.traceback as string[]).join("\n")),
    };
  };

  test("a result shows output, status and time; it stays plain data", async () => {
    await kernel.execute(
      'import { PythonInterpreter } from "cirlab";\nconst python = await PythonInterpreter.start();',
    );
    const shown = await kernel.execute("await python.run('print(6 * 7)')");
    assert.equal(shown.reply.status, "ok", String(shown.reply.evalue));
    const data = resultData(shown);
    assert.match(data["text/plain"]!, /^42\nok, [\d.]+ (ms|s)/);
    assert.match(data["text/html"]!, /42[\s\S]*>ok<\/b>/);
    const json = await kernel.execute("JSON.stringify(Object.keys(JSON.parse(JSON.stringify(await python.run('1')))))");
    assert.match(json.result!, /"status","exitCode","stdout","stderr","durationMs"/);
  });

  test("an error shows its line in the source", async () => {
    const data = resultData(await kernel.execute("await python.run('x = 1\\ny = x / 0\\nprint(y)')"));
    assert.match(data["text/plain"]!, /ZeroDivisionError: division by zero\n {5}1 \| x = 1\n> {4}2 \| y = x \/ 0\n/);
    assert.match(data["text/html"]!, /background:#d55e0029">› {4}2 {2}y = x \/ 0</);
  });

  test("a session shows its cells", async () => {
    const data = resultData(
      await kernel.execute(
        "const s = await python.session();\nawait s.run('a = 20');\nawait s.run('print(a + 1)');\ns",
      ),
    );
    assert.match(
      data["text/plain"]!,
      /^Session of 2 cells, open\n\[1\]\n {4}a = 20\nok.*\n\[2\]\n {4}print\(a \+ 1\)\n21\n/,
    );
  });

  test("%%python shows the last value, and warnings apart from output", async () => {
    const cell = await kernel.execute(
      "%%python\nimport sys\nprint('printed')\nprint('careful', file=sys.stderr)\n[1, 2] * 2",
    );
    assert.equal(cell.reply.status, "ok", String(cell.reply.evalue));
    assert.deepEqual([cell.stdout, cell.stderr, cell.result], ["printed\n", "careful\n", "[1, 2, 1, 2]"]);
    assert.equal((await kernel.execute("%%python\nx = 1")).result, undefined);
  });

  test("a %%python cell fails with Python's traceback and the marked line", async () => {
    const { name, text } = await fails("%%python\nx = 1\nx / 0");
    assert.equal(name, "ZeroDivisionError");
    assert.match(text, /File "<snippet>", line 2[\s\S]*ZeroDivisionError: division by zero[\s\S]*> {4}2 \| x \/ 0/);
  });

  test("cells are programs of their own; with --session they share variables", async () => {
    await kernel.execute("%%python\nalone = 1");
    assert.equal((await fails("%%python\nalone")).name, "NameError");
    await kernel.execute("%%python --session\nshared = [1]");
    await kernel.execute("%%python --session\nshared.append(2)");
    assert.equal((await kernel.execute("%%python --session\nshared")).result, "[1, 2]");
    assert.equal((await fails("%%python\nshared")).name, "NameError");
  });

  test("a lost session is told, and the next cell has a new one", async () => {
    await kernel.execute("%%python --session\nkept = 1");
    assert.equal((await fails("%%python --session --timeout 0.5\nwhile True: pass")).name, "timeout");
    const cell = await kernel.execute("%%python --session\nprint('kept' in globals())");
    assert.match(cell.stderr, /The session's variables are gone: .*timeout/);
    assert.equal(cell.stdout, "False\n");
    assert.equal((await kernel.execute("%%python --session\nprint(1)")).stderr, "");
  });

  test("options choose the engine and the time limit; wrong ones are refused with the usage", async () => {
    const pyodide = await kernel.execute("%%python --engine pyodide\nimport sys\nsys.platform");
    assert.equal(pyodide.result, "'emscripten'");
    assert.match((await fails("%%python --timeout 0.3\nwhile True: pass")).text, /timeout/);
    assert.match((await fails("%%python --timeout never\n1")).text, /timeout: .*Usage: %%python/);
    assert.match((await fails("%%python --fast\n1")).text, /--fast[\s\S]*Usage: %%python/);
  });

  test("an interrupt stops the snippet, and the notebook goes on", async () => {
    const running = kernel.send(
      "display('started');\nawait python.run('while True: pass', { timeoutMs: 600_000, signal: signal() })",
    );
    await running.until(({ header }) => header.msg_type === "display_data");
    await kernel.interrupt();
    assert.equal((await running.done).reply.status, "error");
    const cell = kernel.send("%%python --timeout 600\nwhile True: pass");
    await cell.until((message) => message.content.execution_state === "busy");
    await kernel.interrupt();
    const { reply } = await cell.done;
    assert.equal(reply.status, "error");
    assert.match(String(reply.ename), /Interrupt/);
    assert.equal((await kernel.execute("%%python\n6 * 7")).result, "42");
  });

  test("matplotlib's figures are shown", async (t) => {
    if (!packageFolder("jail")?.packages.some((each) => each.startsWith("matplotlib ")))
      return t.skip("matplotlib is not installed: cirlab packages install");
    const plot = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])";
    const cell = await kernel.execute(`%%python --engine jail\n${plot}\nprint('drawn')`);
    const figure = cell.messages.find(({ header }) => header.msg_type === "display_data");
    const png = (figure?.content.data as Record<string, string> | undefined)?.["image/png"];
    assert.equal(
      Buffer.from(png ?? "", "base64")
        .subarray(1, 4)
        .toString(),
      "PNG",
      String(cell.reply.evalue),
    );
    const data = resultData(await kernel.execute(`await python.run(${JSON.stringify(plot)}, { memoryMb: 1024 })`));
    assert.match(data["text/html"]!, /<img [^>]*src="data:image\/png;base64,iVBOR/);
  });
});
