import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Output {
  output_type: string;
  text?: string[] | string;
  data?: Record<string, string[] | string>;
}
export interface Cell {
  cell_type: string;
  source: string[];
  outputs?: Output[];
}

/** Executes a notebook as a user would: `cirlab run`. */
export async function run(notebook: string, parameters: Record<string, unknown> = {}): Promise<Cell[]> {
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

/**
 * A notebook of code cells, which empty lines part, in a folder of its own; returns its path.
 *
 * @param files what lies beside it, by name: its cells run there.
 */
export async function notebookOf(code: string, files: Record<string, string> = {}): Promise<string> {
  const cells = code
    .split("\n\n")
    .map((source, i) => ({ cell_type: "code", id: `c${i}`, metadata: {}, source, execution_count: null, outputs: [] }));
  const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript", language: "typescript" } };
  const folder = await mkdtemp(join(tmpdir(), "cirlab-cells-"));
  const notebook = JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 });
  for (const [name, text] of Object.entries({ ...files, "cells.ipynb": notebook }))
    await writeFile(join(folder, name), text);
  return join(folder, "cells.ipynb");
}

export const joined = (text: string[] | string | undefined) => (Array.isArray(text) ? text.join("") : (text ?? ""));

/** What a cell shows, as text. */
export const plain = (cell: Cell) =>
  (cell.outputs ?? []).map((output) => joined(output.text) || joined(output.data?.["text/plain"])).join("\n");

/** The code cell whose source contains `text`. */
export function cellWith(cells: Cell[], text: string): Cell {
  const cell = cells.find(({ cell_type, source }) => cell_type === "code" && joined(source).includes(text));
  assert.ok(cell, `no cell with ${text}`);
  return cell;
}

/** The outputs of the cell whose source contains `text`. */
export const outputOf = (cells: Cell[], text: string): string => plain(cellWith(cells, text));
