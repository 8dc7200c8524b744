import { isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { PositionMap } from "../compiler/cellCompiler.ts";
import { lookUp } from "../compiler/positions.ts";
import { packageRoot } from "../package.ts";
import type { ErrorReport } from "./wire.ts";

/** The running cell was interrupted by the user. */
export class KernelInterrupt extends Error {
  override readonly name = "KernelInterrupt";
  constructor() {
    super("Execution interrupted.");
  }
}

interface CellScript {
  source: string;
  positions: PositionMap;
}

const scripts = new Map<string, CellScript>();

/** Makes positions in stack traces of the script `label` those of the cell's own text. */
export function registerScript(label: string, script: CellScript): void {
  scripts.set(label, script);
}

/** A frame as V8 prints it, with the position in the cell where the script is one. */
function frameText(site: NodeJS.CallSite): string {
  // Functions of earlier cells are called as properties of the notebook's names.
  const text = String(site).replace(/^(async )?Object\./, "$1");
  const file = site.getFileName();
  const script = file ? scripts.get(file) : undefined;
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  if (!script || line === null || column === null) return text;
  const place = lookUp(script.positions, line - 1, column - 1);
  return text.replace(`${file}:${line}:${column}`, place ? `${file}:${place.line + 1}:${place.column + 1}` : file!);
}

/** From now on `error.stack` tells positions in cells as the user wrote them. */
export function mapStackTraces(): void {
  Error.prepareStackTrace = (error, sites) => {
    const head = errorHead(error);
    return [head, ...sites.map((site) => `    at ${frameText(site)}`)].join("\n");
  };
}

function errorHead(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/** Label and place of a frame that lies in a cell. */
function cellPlace(frame: string): { label: string; line: number; column: number } | undefined {
  const match = /(?:^ {4}at (?:async )?|\()((?:silent )?cell \d+):(\d+):(\d+)\)?$/.exec(frame);
  return match ? { label: match[1]!, line: Number(match[2]), column: Number(match[3]) } : undefined;
}

/** True for frames of cells and of the user's own files. */
function isUserFrame(frame: string): boolean {
  if (cellPlace(frame)) return true;
  const location = /\(?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?):\d+:\d+\)?$/.exec(frame)?.[1];
  if (!location) return false;
  const file = location.startsWith("file:") ? fileURLToPath(location) : location;
  const inside = relative(process.cwd(), file);
  return (
    !inside.startsWith("..") &&
    !isAbsolute(inside) &&
    !file.includes("node_modules") &&
    !file.startsWith(join(packageRoot, "dist"))
  );
}

/** True for frames of the kernel and of Node itself. */
function isKernelFrame(frame: string): boolean {
  return /\(?(?:node:|file:\/\/\S*\/dist\/kernel\/)/.test(frame);
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** The line of the cell that a frame names, its neighbours before it, and a caret under the column. */
function excerpt(frame: string): string[] {
  const place = cellPlace(frame);
  const source = place && scripts.get(place.label)?.source.split("\n");
  if (!place || !source || place.line > source.length) return [];
  const first = Math.max(1, place.line - 2);
  const width = String(place.line).length;
  const lines = source
    .slice(first - 1, place.line)
    .map((text, i) => `${first + i === place.line ? ">" : " "} ${String(first + i).padStart(width)} | ${text}`);
  return [...lines, `  ${" ".repeat(width)} | ${" ".repeat(Math.max(0, place.column - 1))}${red("^")}`];
}

/** An exception as the protocol tells it: only the user's frames, and the line of the cell that it came from. */
export function errorReport(error: unknown): ErrorReport {
  if (!(error instanceof Error) && Object.prototype.toString.call(error) !== "[object Error]") {
    const evalue = typeof error === "string" ? error : inspect(error);
    return { ename: "Thrown value", evalue, traceback: [`${red("Thrown value")}: ${evalue}`] };
  }
  const { name, message, stack, cause } = error as Error;
  const ename = String(name || "Error");
  const evalue = String(message ?? "");
  // The interrupt's own stack is that of the kernel; the message says all.
  const frames =
    ename === "KernelInterrupt"
      ? []
      : String(stack ?? "")
          .split("\n")
          .filter((line) => /^ {4}at /.test(line));
  const own = frames.filter(isUserFrame);
  // An error that came from no cell (a timer of a library) still has to be found.
  const shown = own.length > 0 ? own : frames.filter((frame) => !isKernelFrame(frame)).slice(0, 5);
  const lines = [`${red(ename)}: ${evalue}`, ...excerpt(own[0] ?? ""), ...shown.map(dim)];
  if (cause !== undefined) lines.push(`Caused by ${causeText(cause)}`);
  return { ename, evalue, traceback: lines };
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? errorHead(cause) : inspect(cause, { depth: 1 });
}
