import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Output {
  output_type: string;
  text?: string[] | string;
  data?: Record<string, string[] | string>;
}
interface Cell {
  cell_type: string;
  source: string[];
  outputs?: Output[];
}

const tutorial = (name: string) => join(root, "notebooks/tutorials", name);

/** Executes a notebook as a user would: `cirlab run`, in a folder of its own. */
async function run(notebook: string, parameters: Record<string, unknown> = {}): Promise<Cell[]> {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-notebook-"));
  const output = join(folder, "out.ipynb");
  const flags = Object.entries(parameters).flatMap(([name, value]) => ["-p", `${name}=${JSON.stringify(value)}`]);
  const args = [join(root, "bin/cirlab.js"), "run", notebook, "--output", output];
  const child = spawn(process.execPath, [...args, ...flags], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => {
      log += data;
    });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, log);
  return JSON.parse(await readFile(output, "utf8")).cells;
}

const joined = (text: string[] | string | undefined) => (Array.isArray(text) ? text.join("") : (text ?? ""));
const plain = (cell: Cell) =>
  (cell.outputs ?? []).map((output) => joined(output.text) || joined(output.data?.["text/plain"])).join("\n");

/** The outputs of the cell whose source contains `text`. */
function outputOf(cells: Cell[], text: string): string {
  const cell = cells.find(({ cell_type, source }) => cell_type === "code" && joined(source).includes(text));
  assert.ok(cell, `no cell with ${text}`);
  return plain(cell);
}

for (const engine of ["pyodide", "auto"]) {
  test(`the first tutorial runs (${engine})`, async () => {
    const cells = await run(tutorial("01-first-rollout.ipynb"), { coldStartSteps: 60, engine });
    assert.match(outputOf(cells, "PythonInterpreter.start"), engine === "pyodide" ? /Pyodide/ : /Python 3/);
    const python = outputOf(cells, "print(geo(17))");
    assert.match(python, /1267650600228229401496703205376/);
    assert.match(python, /NameError: name 'geo' is not defined/);
    assert.match(python, /Timeout Error/);
    const ratio = /off by ([\d.e+-]+)/.exec(outputOf(cells, "furthest"));
    assert.ok(Number(ratio![1]) < 1e-4, ratio![0]);
    const objective = cells.find(({ source }) => joined(source).trim() === "objective");
    assert.ok(plain(objective!).length > 0);
  });
}

test("the second tutorial, small, shows accuracy rising", async () => {
  const cells = await run(tutorial("02-learning-to-use-code.ipynb"), {
    families: ["algebra", "chain1"],
    coldStartSteps: 260,
    steps: 14,
    heldOutTasks: 30,
    samples: 8,
  });
  const verdict = outputOf(cells, "gain, points");
  const value = (what: string) => Number(new RegExp(`${what}\\s+(-?[\\d.]+)`).exec(verdict)![1]);
  assert.ok(value("accuracy after") > value("accuracy before") + 0.05, verdict);
  assert.ok(
    value("share of correct answers that used code, after") >= value("share of correct answers that used code, before"),
    verdict,
  );
  const panel = cells.find(({ source }) => joined(source).includes("for await (const step of trainer.train"))!;
  assert.ok(
    panel.outputs!.some((output) => output.data?.["image/svg+xml"]),
    "no live panel",
  );
});

test("the README's tour runs as it stands, with fewer steps", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const tour = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const small = tour
    .replace("steps: 400", "steps: 60")
    .replaceAll("40)", "2)")
    .replace("steps: 40 ", "steps: 2 ")
    .replace("samples: 16", "samples: 2");
  assert.notEqual(small, tour);
  const cells = small
    .split("\n\n")
    .map((source, i) => ({ cell_type: "code", id: `c${i}`, metadata: {}, source, execution_count: null, outputs: [] }));
  const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript", language: "typescript" } };
  const path = join(await mkdtemp(join(tmpdir(), "cirlab-readme-")), "tour.ipynb");
  await writeFile(path, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
  const outputs = await run(path);
  assert.match(plain(outputs.at(-1)!), /avg@2/);
});
