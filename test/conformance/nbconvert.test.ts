import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readCells, streamOf, textOf, writeNotebook } from "./notebooks.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

const python = findPython("nbconvert", "nbclient");
const host = 'const host = (globalThis as any)[Symbol.for("Jupyter.host")];';

describe("nbconvert and nbclient", { concurrency: false }, () => {
  test("a notebook is executed with all its outputs", async (t) => {
    if (!python) return t.skip(missing("nbconvert", "nbclient"));
    const home = await JupyterHome.create(t);
    await writeNotebook(join(home.folder, "full.ipynb"), [
      "for (let i = 0; i < 10_000; i++) console.log(i)",
      `${host} host.display({ "text/html": "<i>1 of 3</i>" }, { displayId: "bar" });`,
      `host.update("bar", { "text/html": "<i>3 of 3</i>" });`,
      'console.log("wiped"); host.clear(true); console.log("stays");',
      'process.stdout.write("10%\\r"); process.stdout.write("100%\\n"); console.error("careful");',
      "const answer: number = await Promise.resolve(42);\nanswer",
      "setTimeout(() => console.log('from the cell before'), 1); await new Promise((r) => setTimeout(r, 100));",
    ]);
    const args = ["-m", "nbconvert", "--to", "notebook", "--execute", "full.ipynb", "--output", "done.ipynb"];
    const { exitCode, stderr } = await home.run(python, args);
    assert.equal(exitCode, 0, stderr);
    const cells = await readCells(join(home.folder, "done.ipynb"));
    assert.equal(streamOf(cells[0]!, "stdout"), `${Array.from({ length: 10_000 }, (_, i) => i).join("\n")}\n`);
    assert.equal(textOf((cells[1]!.outputs[0]!.data as Record<string, unknown>)["text/html"]), "<i>3 of 3</i>");
    assert.equal(streamOf(cells[3]!, "stdout"), "stays\n");
    assert.equal(streamOf(cells[4]!, "stdout"), "10%\r100%\n");
    assert.equal(streamOf(cells[4]!, "stderr"), "careful\n");
    assert.equal(textOf((cells[5]!.outputs[0]!.data as Record<string, unknown>)["text/plain"]), "42");
    assert.deepEqual(
      cells.map((cell) => cell.execution_count),
      [1, 2, 3, 4, 5, 6, 7],
    );
    assert.equal(streamOf(cells[6]!, "stdout"), "from the cell before\n");
  });

  test("with --allow-errors all other cells run, those after the failing one too", async (t) => {
    if (!python) return t.skip(missing("nbconvert", "nbclient"));
    const home = await JupyterHome.create(t);
    await writeNotebook(join(home.folder, "fails.ipynb"), [
      "console.log(1)",
      "throw new RangeError('on purpose')",
      "console.log(3)",
    ]);
    const args = ["-m", "nbconvert", "--to", "notebook", "--execute", "--allow-errors", "fails.ipynb"];
    const tolerant = await home.run(python, [...args, "--output", "done.ipynb"]);
    assert.equal(tolerant.exitCode, 0, tolerant.stderr);
    const [, failed, last] = await readCells(join(home.folder, "done.ipynb"));
    assert.deepEqual([failed!.outputs[0]!.ename, failed!.outputs[0]!.evalue], ["RangeError", "on purpose"]);
    assert.equal(streamOf(last!, "stdout"), "3\n");
  });
});
