import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { commandFile } from "../../kernel/package.ts";

interface StoredCell {
  cell_type: string;
  metadata: { tags?: string[] };
  source: string[];
  outputs: ({ output_type: string } & Record<string, unknown>)[];
  execution_count: number | null;
}

const code = (source: string, tags?: string[]) => ({
  cell_type: "code",
  id: `c${source.length}`,
  metadata: tags ? { tags } : {},
  source,
  outputs: [{ output_type: "stream", name: "stdout", text: "old" }],
  execution_count: 99,
});
const notebook = (...cells: unknown[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

describe("cirlab run", { concurrency: false }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-run-"));
  });
  after(() => rm(folder, { recursive: true }));

  const cirlab = (...args: string[]): Promise<{ exitCode: number | null; stderr: string; stdout: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [commandFile, ...args], { cwd: folder });
      let stderr = "";
      let stdout = "";
      child.stderr.on("data", (data) => (stderr += data));
      child.stdout.on("data", (data) => (stdout += data));
      child.on("close", (exitCode) => resolve({ exitCode, stderr: stripVTControlCharacters(stderr), stdout }));
    });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const read = async (name: string) => {
    const stored = JSON.parse(await readFile(join(folder, name), "utf8"));
    return stored as { cells: StoredCell[]; metadata: Record<string, Record<string, unknown>> };
  };

  test("outputs are stored as a front end shows them", async () => {
    await write(
      "good.ipynb",
      notebook(
        { cell_type: "markdown", id: "m", metadata: {}, source: "# Title" },
        code("console.log('a'); console.log('b'); process.stdout.write('10%\\r'); console.log('20%'); 1 + 1"),
        code(`const host = (globalThis as any)[Symbol.for("Jupyter.host")];
host.display({ "text/html": "first" }, { displayId: "panel" });
console.log("cleared"); `),
        code(`host.update("panel", { "text/html": "second" });
console.log("gone"); host.clear(true); console.log("kept");`),
        code(""),
      ),
    );
    const { exitCode, stderr } = await cirlab("run", "good.ipynb", "--output", "good.out.ipynb");
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^cell 2\/5: console\.log\('a'\)/);
    const { cells, metadata } = await read("good.out.ipynb");
    assert.equal(metadata.kernelspec!.name, "cirlab");
    assert.deepEqual(cells[1]!.outputs, [
      { output_type: "stream", name: "stdout", text: ["a\n", "b\n", "20%\n"] },
      { output_type: "execute_result", data: { "text/plain": ["2"] }, metadata: {}, execution_count: 1 },
    ]);
    assert.deepEqual(cells[2]!.outputs[0], {
      output_type: "display_data",
      data: { "text/html": ["second"] },
      metadata: {},
    });
    assert.deepEqual(cells[3]!.outputs, [{ output_type: "stream", name: "stdout", text: ["kept\n"] }]);
    assert.deepEqual(
      cells.slice(1).map((cell) => cell.execution_count),
      [1, 2, 3, null],
    );
    assert.deepEqual(cells[4]!.outputs, []);
  });

  test("parameters of every kind are injected after the cell that declares them", async () => {
    await write(
      "params.ipynb",
      notebook(
        code(
          "// %pwd\nlet steps = 1; let rate = 0.1; let { name, on } = { name: 'x', on: false }; let sizes: number[] = [];",
          ["parameters"],
        ),
        code("[steps, rate, name, on, sizes]"),
      ),
    );
    const given = ["-p", "steps=40", "-p", "rate=3e-4", "-p", "name=a=b c", "-p", "on=true", "-p", "sizes=[1,2]"];
    const { exitCode, stderr } = await cirlab("run", "params.ipynb", "-o", "params.out.ipynb", "--quiet", ...given);
    assert.equal(exitCode, 0, stderr);
    assert.equal(stderr, "");
    const { cells } = await read("params.out.ipynb");
    assert.deepEqual(cells[1]!.metadata.tags, ["injected-parameters"]);
    assert.deepEqual(cells[1]!.outputs, []);
    assert.deepEqual(cells[2]!.outputs[0]!.data, { "text/plain": ["[ 40, 0.0003, 'a=b c', true, [ 1, 2 ] ]"] });
    // Run again from its own output: the injected cell is replaced.
    assert.equal((await cirlab("run", "params.out.ipynb", "-o", "again.ipynb", "-p", "steps=2")).exitCode, 0);
    const again = (await read("again.ipynb")).cells;
    assert.equal(again.length, 3);
    assert.deepEqual(again[2]!.outputs[0]!.data, { "text/plain": ["[ 2, 0.1, 'x', false, [] ]"] });
  });

  test("a cell that throws: exit code 1, its place, first line and traceback; the output is written", async () => {
    await write(
      "throws.ipynb",
      notebook(
        code("console.log('before')"),
        code("// why\nconst x: number = 1;\nthrow new Error(`boom ${x}`);"),
        code("console.log('after')"),
      ),
    );
    const { exitCode, stderr } = await cirlab("run", "throws.ipynb", "--output", "throws.out.ipynb");
    assert.equal(exitCode, 1);
    assert.match(stderr, /cell 2 failed: \/\/ why\nError: boom 1/);
    assert.match(stderr, /at cell 2:3:7/);
    const { cells } = await read("throws.out.ipynb");
    assert.equal(cells[1]!.outputs[0]!.ename, "Error");
    assert.deepEqual(cells[2]!.outputs, []);
    const tolerant = await cirlab("run", "throws.ipynb", "--output", "tolerant.ipynb", "--allow-errors");
    assert.equal(tolerant.exitCode, 0);
    assert.deepEqual((await read("tolerant.ipynb")).cells[2]!.outputs[0]!.text, ["after\n"]);
  });

  test("a cell that takes too long is interrupted", async () => {
    await write("slow.ipynb", notebook(code("console.log('started'); while (true) {}")));
    const { exitCode, stderr } = await cirlab("run", "slow.ipynb", "--timeout", "1", "-o", "slow.out.ipynb");
    assert.equal(exitCode, 1);
    assert.match(stderr, /longer than 1 s/);
    const [cell] = (await read("slow.out.ipynb")).cells;
    assert.deepEqual(
      cell!.outputs.map((o) => o.output_type),
      ["stream", "error"],
    );
  });

  test("what cannot be used is one clear error, exit code 2, and writes nothing", async () => {
    await write("text.ipynb", "not json");
    await write("json.ipynb", '{ "cells": 5 }');
    await write("old.ipynb", '{ "nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [], "cells": [] }');
    await write(
      "python.ipynb",
      '{ "nbformat": 4, "nbformat_minor": 5, "metadata": { "kernelspec": { "language": "python" } }, "cells": [] }',
    );
    await write("params.ipynb", notebook(code("let steps = 1; const fixed = 2;", ["parameters"])));
    await write("broken.ipynb", notebook(code("let steps = 1;\nlet rate = = 2;", ["parameters"])));
    await write("none.ipynb", notebook(code("1")));
    const cases: [string[], RegExp][] = [
      [["text.ipynb"], /text\.ipynb is not a notebook: it is not JSON/],
      [["json.ipynb"], /json\.ipynb is not a notebook: /],
      [["old.ipynb"], /only notebooks of format 4/],
      [["python.ipynb"], /is a notebook in python/],
      [["missing.ipynb"], /missing\.ipynb cannot be read/],
      [["params.ipynb", "-p", "stepz=3"], /Unknown parameter "stepz"\. The notebook declares: steps\./],
      [["params.ipynb", "-p", "fixed=3"], /declared with const/],
      [["params.ipynb", "-p", "steps"], /write -p name=value/],
      [["broken.ipynb", "-p", "steps=3"], /The cell tagged "parameters" cannot be read: line 2: Unexpected "="/],
      [["none.ipynb", "-p", "steps=3"], /takes no parameters/],
      [["none.ipynb", "--timeout", "soon"], /--timeout must be a number/],
      [["none.ipynb", "--unknown"], /--unknown/],
      [[], /Name one notebook/],
    ];
    for (const [args, problem] of cases) {
      const { exitCode, stderr } = await cirlab("run", ...args, "--output", "never.ipynb");
      assert.equal(exitCode, 2, args.join(" "));
      assert.match(stderr, problem);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    assert.equal(existsSync(join(folder, "never.ipynb")), false);
  });

  test("unknown commands are named", async () => {
    const { exitCode, stderr } = await cirlab("dance");
    assert.equal(exitCode, 2);
    assert.match(stderr, /unknown command "dance"[\s\S]*Usage: cirlab/);
  });

  test("install writes a kernelspec that starts this package", async () => {
    const { exitCode, stdout } = await cirlab("install", "--prefix", folder, "--name", "cir-test");
    assert.equal(exitCode, 0);
    const place = join(folder, "share", "jupyter", "kernels", "cir-test");
    assert.ok(stdout.includes(place));
    assert.deepEqual((await readdir(place)).sort(), [
      "kernel.json",
      "logo-32x32.png",
      "logo-64x64.png",
      "logo-svg.svg",
    ]);
    const spec = JSON.parse(await readFile(join(place, "kernel.json"), "utf8"));
    assert.deepEqual(spec.argv, [process.execPath, commandFile, "kernel", "{connection_file}"]);
    assert.equal(spec.interrupt_mode, "message");
    assert.equal(spec.display_name, "TypeScript (CIR Lab)");
    assert.deepEqual(spec.env, {});
    assert.equal((await cirlab("install", "--prefix", folder, "--compiler", "tslab")).exitCode, 0);
    const other = join(folder, "share", "jupyter", "kernels", "cirlab-tslab", "kernel.json");
    const { env, display_name } = JSON.parse(await readFile(other, "utf8"));
    assert.deepEqual([env, display_name], [{ CIRLAB_COMPILER: "tslab" }, "TypeScript (CIR Lab, tslab)"]);
    assert.equal((await cirlab("install", "--prefix", folder, "--compiler", "rust")).exitCode, 2);
    assert.deepEqual((await readdir(join(folder, "share", "jupyter", "kernels"))).sort(), ["cir-test", "cirlab-tslab"]);
    assert.equal((await cirlab("install", "--user", "--prefix", folder)).exitCode, 2);
    assert.equal((await cirlab("install", "--prefix", folder, "--name", "../x")).exitCode, 2);
  });
});
