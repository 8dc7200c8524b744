import { masked } from "./masks.ts";

/** One output as nbformat has it; texts may be lists of lines. */
type StoredOutput = { output_type?: unknown } & Record<string, unknown>;

export interface CompareOptions {
  /** Numbers may differ by this part of the larger one, and by this much below 1. Default 0: not at all. */
  tolerance?: number;
  /** Compare times and ids too (see masks.ts). Default false. */
  exact?: boolean;
}

/** Cells with this tag are not compared: their outputs are meant to vary. */
export const variesTag = "varies";

/** The part of an output that is compared, as text. */
interface Part {
  /** For people: `stdout`, `text/plain of output 2`. */
  what: string;
  text: string;
}

/**
 * Where the outputs of a cell differ from those that it had before, in words; undefined where they do not. What a
 * stream wrote in pieces counts as one text; execution counts do not count.
 */
export function outputDifference(
  before: readonly StoredOutput[],
  after: readonly StoredOutput[],
  options: CompareOptions = {},
): string | undefined {
  const [old, now] = [parts(before), parts(after)];
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [a, b] = [old[i], now[i]];
    if (!a) return `${b!.what} is new: ${shown(b!.text)}`;
    if (!b) return `${a.what} is missing: it was ${shown(a.text)}`;
    if (a.what !== b.what) return `${a.what} became ${b.what}`;
    const place = difference(a.text, b.text, options);
    if (place) return `${a.what} differs${place}`;
  }
  return undefined;
}

function parts(outputs: readonly StoredOutput[]): Part[] {
  const found: Part[] = [];
  let number = 0;
  for (const output of outputs) {
    if (output.output_type === "stream") {
      const last = found.at(-1);
      if (last && last.what === output.name) last.text += joined(output.text);
      else found.push({ what: String(output.name), text: joined(output.text) });
    } else if (output.output_type === "error") {
      found.push({ what: "the error", text: `${output.ename}: ${output.evalue}` });
    } else {
      number++;
      const data = Object.entries((output.data ?? {}) as Record<string, unknown>);
      for (const [type, value] of data.sort(([a], [b]) => (a < b ? -1 : 1)))
        found.push({ what: `${type} of output ${number}`, text: joined(value) });
    }
  }
  return found;
}

function joined(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) return value.join("");
  return JSON.stringify(value, sortedKeys, 1) ?? "";
}

const sortedKeys = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** Where two texts differ: the first line that does. */
function difference(
  before: string,
  after: string,
  { tolerance = 0, exact = false }: CompareOptions,
): string | undefined {
  if (before === after) return undefined;
  const [old, now] = [before, after].map((text) => (exact ? text : masked(text)).split("\n")) as [string[], string[]];
  const rows = Math.max(old.length, now.length);
  for (let i = 0; i < rows; i++) {
    const [a, b] = [old[i], now[i]];
    if (a !== undefined && b !== undefined && isClose(a, b, tolerance)) continue;
    const line = rows > 1 ? ` in line ${i + 1}` : "";
    return `${line}: it was ${shown(a)}, now it is ${shown(b)}`;
  }
  return undefined;
}

const number = /[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;

function isClose(a: string, b: string, tolerance: number): boolean {
  if (a === b) return true;
  if (tolerance === 0 || a.replace(number, "#") !== b.replace(number, "#")) return false;
  const values = (line: string) => (line.match(number) ?? []).map((text) => Number(text.replaceAll(",", "")));
  const others = values(b);
  return values(a).every((x, i) => {
    const y = others[i]!;
    return Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x), Math.abs(y));
  });
}

const longest = 120;

const shown = (text: string | undefined): string =>
  text === undefined ? "not there" : JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
