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

/** What is known of a script. */
export function scriptOf(label: string): Readonly<CellScript> | undefined {
  return scripts.get(label);
}

/** The same for a file of the user that was compiled. */
export function registerFile(path: string, positions: PositionMap): void {
  if (positions.length > 0) scripts.set(path, { source: "", positions });
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

/** Node's own default for the number of frames, and one that leaves as many without those of the kernel. */
const shownFrames = 10;
const takenFrames = 40;

/** From now on `error.stack` tells positions in cells as the user wrote them, and no frames of the kernel. */
export function mapStackTraces(): void {
  Error.stackTraceLimit = takenFrames;
  Error.prepareStackTrace = (error, sites) => {
    const isOwn = sites.some((site) => scripts.has(site.getFileName() ?? ""));
    const shown = isOwn ? sites.filter((site) => !isMachinery(site)) : sites;
    // A limit that the user has set holds.
    const limited = Error.stackTraceLimit === takenFrames ? shown.slice(0, shownFrames) : shown;
    const frames = limited.map((site) => `    at ${frameText(site)}`);
    return [errorHead(error), ...frames, ...asyncFramesOf(error, frames)].join("\n");
  };
}

/** True for what the kernel does to run and resume a cell's code. */
function isMachinery(site: NodeJS.CallSite): boolean {
  const file = site.getFileName();
  if (!file) return site.getFunctionName() === "next";
  return file === "node:cirlab" || file === "node:vm" || file.startsWith(kernelFolder);
}
const kernelFolder = new URL("../", import.meta.url).href;

/** Where functions of cells were waiting when an error came to them; each is an object with a stack of one frame. */
const asyncFrames = new WeakMap<object, { stack?: string }[]>();

/**
 * Notes that the function that calls `above` got an error from what it awaited. Native functions get such frames from
 * V8.
 */
export function addAsyncFrame(error: unknown, above: (...args: never[]) => unknown): void {
  if (typeof error !== "object" || error === null || error instanceof KernelInterrupt) return;
  const { stackTraceLimit } = Error;
  const holder: { stack?: string } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, above);
  // Read now: inside of another stack's preparation V8 would not prepare this one.
  void holder.stack;
  Error.stackTraceLimit = stackTraceLimit;
  const known = asyncFrames.get(error);
  if (!known) asyncFrames.set(error, [holder]);
  else if (known.length < shownFrames) known.push(holder);
}

/** Frames noted for `error` that `frames` do not show yet, be it as a call on the same line. */
function asyncFramesOf(error: unknown, frames: readonly string[]): string[] {
  const shown = new Set(frames.map(lineOf));
  const added: string[] = [];
  for (const holder of asyncFrames.get(error as object) ?? []) {
    const frame = holder.stack?.split("\n").find((line) => line.startsWith("    at "));
    if (!frame || shown.has(lineOf(frame))) continue;
    shown.add(lineOf(frame));
    added.push(frame.replace("    at ", "    at async "));
  }
  return added;
}

/** Label and line of a cell's frame, or the whole frame. */
function lineOf(frame: string): string {
  const place = cellPlace(frame);
  return place ? `${place.label}:${place.line}` : frame;
}

function errorHead(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/** Label and place of a frame that lies in a cell, or in a file that ran as one. */
function cellPlace(frame: string): { label: string; line: number; column: number } | undefined {
  const match = /(?:^ {4}at (?:async )?|\()([^()]+?):(\d+):(\d+)\)?$/.exec(frame);
  return match && scripts.get(match[1]!)?.source
    ? { label: match[1]!, line: Number(match[2]), column: Number(match[3]) }
    : undefined;
}

/** Label of the first cell that a stack trace names. */
export function labelIn(stack: string | undefined): string | undefined {
  for (const frame of stack?.split("\n") ?? []) {
    const place = cellPlace(frame);
    if (place) return place.label;
  }
  return undefined;
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

/** Where an error of another language brings its own traceback: a list of lines. */
const tracebackSymbol = Symbol.for("Jupyter.traceback");

/** An exception as the protocol tells it: only the user's frames, and the line of the cell that it came from. */
export function errorReport(error: unknown): ErrorReport {
  if (!(error instanceof Error) && Object.prototype.toString.call(error) !== "[object Error]") {
    const evalue = typeof error === "string" ? error : inspect(error);
    return { ename: "Thrown value", evalue, traceback: [`${red("Thrown value")}: ${evalue}`] };
  }
  const { name, message, stack, cause } = error as Error;
  const ename = String(name || "Error");
  const evalue = String(message ?? "");
  const brought = (error as { [tracebackSymbol]?: unknown })[tracebackSymbol];
  if (Array.isArray(brought)) return { ename, evalue, traceback: brought.map(String) };
  // The interrupt's own stack is that of the kernel; the message says all.
  const frames =
    ename === "KernelInterrupt"
      ? []
      : String(stack ?? "")
          .split("\n")
          .filter((line) => /^ {4}at /.test(line));
  frames.push(...asyncFramesOf(error, frames));
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
