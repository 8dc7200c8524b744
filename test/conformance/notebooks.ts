import { readFile, writeFile } from "node:fs/promises";

/** An output as a notebook file holds it. */
export type StoredOutput = { output_type: string } & Record<string, unknown>;

interface StoredCell {
  cell_type: string;
  source: string | string[];
  outputs: StoredOutput[];
  metadata: { tags?: string[] };
  execution_count: number | null;
}

/** Writes a notebook for our kernel with these code cells; a cell may carry tags. */
export async function writeNotebook(path: string, cells: readonly (string | [string, string])[]): Promise<void> {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" },
      language_info: { name: "typescript" },
    },
    cells: cells.map((cell, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: typeof cell === "string" ? {} : { tags: [cell[1]] },
      source: typeof cell === "string" ? cell : cell[0],
      outputs: [],
      execution_count: null,
    })),
  };
  await writeFile(path, JSON.stringify(notebook));
}

/** The cells of a notebook file. */
export async function readCells(path: string): Promise<StoredCell[]> {
  return (JSON.parse(await readFile(path, "utf8")) as { cells: StoredCell[] }).cells;
}

/** Text in a notebook file: lines or whole. */
export const textOf = (text: unknown): string => (Array.isArray(text) ? text.join("") : String(text));

/** All text of one stream of a cell. */
export const streamOf = (cell: StoredCell, name: "stdout" | "stderr"): string =>
  cell.outputs
    .filter((output) => output.output_type === "stream" && output.name === name)
    .map((output) => textOf(output.text))
    .join("");
