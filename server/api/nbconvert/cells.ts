import type { Notebook } from "../contents/notebooks.ts";

/** An output of a cell, in the three forms that nbformat knows. */
export type Output =
  | { kind: "stream"; name: string; text: string }
  | { kind: "data"; data: Record<string, unknown>; metadata: Record<string, unknown>; count: number | null }
  | { kind: "error"; name: string; message: string; traceback: string[] };

/** A cell as the exporters read it: every field is there, whatever the file lacked. */
export interface Cell {
  type: "code" | "markdown" | "raw";
  source: string;
  /** The number of its last run. */
  count: number | null;
  outputs: Output[];
  /** Pictures that a markdown cell carries: name to media type to base64. */
  attachments: Record<string, Record<string, string>>;
  isSourceHidden: boolean;
  areOutputsHidden: boolean;
  /** What a raw cell's text is. */
  rawType: string;
}

const object = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string =>
  Array.isArray(value) ? value.join("") : typeof value === "string" ? value : "";
const count = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The cells of a notebook. */
export function readCells({ cells }: Notebook): Cell[] {
  return cells.map((cell) => {
    const metadata = object(cell.metadata);
    const { source_hidden, outputs_hidden } = object(metadata.jupyter);
    const { cell_type } = cell;
    return {
      type: cell_type === "code" || cell_type === "markdown" ? cell_type : "raw",
      source: text(cell.source),
      count: count(cell.execution_count),
      outputs: Array.isArray(cell.outputs) ? cell.outputs.map((output) => readOutput(object(output))) : [],
      attachments: object(cell.attachments) as Cell["attachments"],
      isSourceHidden: source_hidden === true,
      areOutputsHidden: outputs_hidden === true || metadata.collapsed === true,
      rawType: text(metadata.raw_mimetype) || text(metadata.format),
    };
  });
}

function readOutput(output: Record<string, unknown>): Output {
  if (output.output_type === "stream") return { kind: "stream", name: text(output.name), text: text(output.text) };
  if (output.output_type === "error") {
    const traceback = Array.isArray(output.traceback) ? output.traceback.map(text) : [];
    return { kind: "error", name: text(output.ename), message: text(output.evalue), traceback };
  }
  const { data, metadata, execution_count } = output;
  return { kind: "data", data: object(data), metadata: object(metadata), count: count(execution_count) };
}

/** What a notebook's cells are written in. */
export interface Language {
  /** Lower case: `typescript`, `python`. */
  name: string;
  /** With its dot: `.ts`. */
  extension: string;
  mimetype: string;
}

/** Languages of common kernels, for notebooks that were never run and so lack `language_info`. */
const known: Record<string, Omit<Language, "name">> = {
  typescript: { extension: ".ts", mimetype: "text/typescript" },
  javascript: { extension: ".js", mimetype: "text/javascript" },
  python: { extension: ".py", mimetype: "text/x-python" },
  r: { extension: ".r", mimetype: "text/x-r-source" },
  julia: { extension: ".jl", mimetype: "application/julia" },
  bash: { extension: ".sh", mimetype: "text/x-sh" },
};

export function languageOf({ metadata }: Notebook): Language {
  const info = object(metadata.language_info);
  const name = (text(info.name) || text(object(metadata.kernelspec).language) || "typescript").toLowerCase();
  const fallback = known[name] ?? { extension: ".txt", mimetype: "text/plain" };
  const extension = text(info.file_extension);
  const mimetype = text(info.mimetype);
  return {
    name,
    extension: /^\.\w{1,10}$/.test(extension) ? extension : fallback.extension,
    mimetype: /^[\w.+-]+\/[\w.+-]+$/.test(mimetype) ? mimetype : fallback.mimetype,
  };
}

/** Whether every cell with outputs may show them unchanged. */
export function isTrusted({ cells }: Notebook): boolean {
  return cells.every(
    (cell) =>
      cell.cell_type !== "code" ||
      !Array.isArray(cell.outputs) ||
      cell.outputs.length === 0 ||
      object(cell.metadata).trusted === true,
  );
}

/** What a terminal would show of a text in which lines were overwritten by `\r` or `\b`. */
export function overwritten(value: string): string {
  return value
    .split("\n")
    .map((line) => {
      if (!/[\r\b]/.test(line)) return line;
      const shown: string[] = [];
      let at = 0;
      for (const character of line) {
        if (character === "\r") at = 0;
        else if (character === "\b") at = Math.max(0, at - 1);
        else shown[at++] = character;
      }
      return shown.join("");
    })
    .join("\n");
}

/** Media type and base64 of a picture that a cell carries, by the name in `attachment:name`. */
export function attachedPicture(attachments: Cell["attachments"], name: string): [string, string] | undefined {
  const plain = name.replace(/(?:%[\da-f]{2})+/gi, (part) => Buffer.from(part.replaceAll("%", ""), "hex").toString());
  const bundle = attachments[name] ?? attachments[plain];
  return Object.entries(bundle ?? {}).find(([type, data]) => type.startsWith("image/") && typeof data === "string");
}
