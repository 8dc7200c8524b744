import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";

const multiline = z.union([z.string(), z.array(z.string())]);
const metadata = z.record(z.string(), z.unknown()).default({});

const cellSchema = z.looseObject({
  id: z.string().optional(),
  cell_type: z.enum(["code", "markdown", "raw"]),
  metadata,
  source: multiline,
});
const notebookSchema = z.looseObject({
  nbformat: z.literal(4, "only notebooks of format 4 can be read"),
  nbformat_minor: z.int(),
  metadata,
  cells: z.array(cellSchema),
});

/** One output of a code cell, as nbformat stores it. */
export type Output = { output_type: "stream" | "display_data" | "execute_result" | "error" } & Record<string, unknown>;

export interface NotebookCell {
  id: string;
  cell_type: "code" | "markdown" | "raw";
  metadata: Record<string, unknown>;
  /** Whole text of the cell. */
  source: string;
  outputs?: Output[];
  /** Outputs that the file had; they are not written again. */
  savedOutputs?: Output[];
  execution_count?: number | null;
  [key: string]: unknown;
}

export interface Notebook {
  nbformat: 4;
  nbformat_minor: number;
  metadata: Record<string, unknown>;
  cells: NotebookCell[];
  [key: string]: unknown;
}

/** A file that cannot be used, or options that do not fit it: nothing was run. */
export class NotebookError extends Error {}

const join = (text: string | string[]): string => (typeof text === "string" ? text : text.join(""));

/** Text as nbformat stores it: lines with their line ends. */
const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/**
 * Reads a notebook. @throws NotebookError naming the file and what is wrong with it.
 */
export async function readNotebook(path: string): Promise<Notebook> {
  const refuse = (problem: string): never => {
    throw new NotebookError(`${path} ${problem}`);
  };
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return refuse(`cannot be read: ${(error as Error).message}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`is not a notebook: it is not JSON (${(error as Error).message.replace(/\s+/g, " ")}).`);
  }
  const parsed = notebookSchema.safeParse(value);
  if (!parsed.success) {
    const { path: where, message } = parsed.error.issues[0]!;
    return refuse(`is not a notebook: ${where.length > 0 ? `${where.join(".")}: ` : ""}${message}.`);
  }
  const language = (parsed.data.metadata.kernelspec as { language?: unknown } | undefined)?.language;
  if (typeof language === "string" && !/^(typescript|javascript)$/i.test(language)) {
    refuse(`is a notebook in ${language}; this kernel runs TypeScript.`);
  }
  const cells = parsed.data.cells.map((cell): NotebookCell => {
    const read = { ...cell, id: cell.id ?? randomUUID().slice(0, 8), source: join(cell.source) };
    if (cell.cell_type !== "code") return read;
    const savedOutputs = Array.isArray(cell.outputs) ? (cell.outputs as Output[]) : [];
    return { ...read, outputs: [], savedOutputs, execution_count: null };
  });
  return { ...parsed.data, nbformat: 4, nbformat_minor: Math.max(5, parsed.data.nbformat_minor), cells };
}

/** A notebook as the text of a file: nbformat 4.5, one-space indentation as Jupyter writes it. */
export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map(({ savedOutputs: _, ...cell }) => ({
    ...cell,
    source: lines(cell.source),
    ...(cell.outputs ? { outputs: cell.outputs.map(storedOutput) } : {}),
  }));
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}\n`;
}

function storedOutput(output: Output): Output {
  if (output.output_type === "stream") return { ...output, text: lines(String(output.text)) };
  if (!output.data) return output;
  const data = Object.entries(output.data as Record<string, unknown>).map(([type, value]) => [
    type,
    typeof value === "string" && (type.startsWith("text/") || type === "image/svg+xml") ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

export function tagsOf(cell: NotebookCell): string[] {
  return Array.isArray(cell.metadata.tags) ? cell.metadata.tags.map(String) : [];
}
