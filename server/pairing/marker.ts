import { asciiBreaks } from "./header.ts";

/** What the line that begins a cell of a percent script says: `// %% Title [markdown] tags=["keep"]`. */
export interface Marker {
  type: "code" | "markdown" | "raw";
  metadata: Record<string, unknown>;
  /** What is not metadata of the cell: see `own`. */
  own: Partial<OwnValues>;
}

/** Values of the marker that are no metadata of the cell. */
export interface OwnValues {
  cell_id: string;
  /** How many line breaks end the source: blank lines between cells are otherwise no one's. */
  blank_lines: number;
  /** The cell is `%%language magic_args` and stands as comments, as jupytext writes it. */
  language: string;
  magic_args: string;
}

/** A line that begins a cell; the groups: more `%` for deeper cells, and the rest of the line. */
export const markerLine = /^\s*\/\/\s*%%(%*)(?:\s(.*))?$/;

const ownNames: readonly string[] = ["cell_id", "blank_lines", "language", "magic_args"] satisfies (keyof OwnValues)[];
/** Under this name all metadata stand as one value, where their own names would be read as something else. */
const wholeName = "metadata";
const depthName = "cell_depth";
const plainKey = /^[A-Za-z_.][\w.]*$/;
/** A title that is read as one. */
const plainTitle = /^[^\s=[\]{}"%]+(?: [^\s=[\]{}"%]+)*$/;

export function writeMarker({ type, metadata, own }: Marker): string {
  const { title, [depthName]: depth, ...rest } = metadata;
  const isPlain = Object.keys(metadata).every((key) => plainKey.test(key) && !isReserved(key));
  const values: Record<string, unknown> = isPlain ? { ...rest, ...own } : { [wholeName]: metadata, ...own };
  const isDeep = isPlain && Number.isInteger(depth) && (depth as number) > 0 && (depth as number) < 10;
  if (isPlain && depth !== undefined && !isDeep) values[depthName] = depth;
  const isTitled = isPlain && typeof title === "string" && plainTitle.test(title);
  if (isPlain && title !== undefined && !isTitled) values.title = title;
  const parts = [
    `// %%${isDeep ? "%".repeat(depth as number) : ""}`,
    ...(isTitled ? [title as string] : []),
    ...(type === "code" ? [] : [`[${type}]`]),
    ...Object.entries(values).map(([key, value]) => `${key}=${oneLine(value)}`),
  ];
  return parts.join(" ");
}

/** Reads a marker; undefined for a line that is none. What cannot be understood is taken as the title. */
export function readMarker(line: string): Marker | undefined {
  const match = markerLine.exec(line);
  if (!match) return undefined;
  let rest = (match[2] ?? "").trim();
  const values = takeValues(rest);
  rest = values.before;
  const kind = /(?:^|\s)\[(\w+)\]$/.exec(rest);
  const type = kind ? cellTypes[kind[1]!.toLowerCase()] : "code";
  const title = (kind && type ? rest.slice(0, kind.index) : rest).trim();
  const metadata: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  if (title) metadata.title = title;
  if (match[1]) metadata[depthName] = match[1].length;
  for (const [key, value] of Object.entries(values.found)) {
    if (ownNames.includes(key)) own[key] = value;
    else if (key === wholeName && isObject(value)) Object.assign(metadata, value);
    else metadata[key] = value;
  }
  return { type: type ?? "code", metadata, own: checkedOwn(own) };
}

const cellTypes: Readonly<Record<string, Marker["type"]>> = { markdown: "markdown", md: "markdown", raw: "raw" };

const isReserved = (key: string): boolean => ownNames.includes(key) || key === wholeName;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** JSON on one line, with the spaces that jupytext writes, so that both programs leave each other's lines alone. */
const oneLine = (value: unknown): string =>
  asciiBreaks(JSON.stringify(value, null, 1).replaceAll(/,\n */g, ", ").replaceAll(/\n */g, ""));

/** The `key=value` pairs at the end of a marker, or one JSON object there; and what stands before them. */
function takeValues(text: string): { before: string; found: Record<string, unknown> } {
  for (const { index } of text.matchAll(/(?:^|(?<=\s))(?:\{|[A-Za-z_.][\w.]*=)/g)) {
    const found = parseValues(text.slice(index));
    if (found) return { before: text.slice(0, index).trim(), found };
  }
  return { before: text, found: {} };
}

function parseValues(text: string): Record<string, unknown> | undefined {
  if (text.startsWith("{")) {
    const whole = parseJson(text);
    return isObject(whole) ? whole : undefined;
  }
  const found: Record<string, unknown> = {};
  let at = 0;
  while (at < text.length) {
    const key = /^[A-Za-z_.][\w.]*(?==)/.exec(text.slice(at))?.[0];
    if (key === undefined) return undefined;
    at += key.length + 1;
    const end = valueEnd(text, at);
    const value = end === undefined ? undefined : parseJson(text.slice(at, end));
    if (value === undefined) return undefined;
    Object.defineProperty(found, key, { value, enumerable: true, configurable: true, writable: true });
    at = end! + /^\s*/.exec(text.slice(end))![0].length;
  }
  return found;
}

/** Where a JSON value that begins at `start` ends: at a space outside of strings and brackets. */
function valueEnd(text: string, start: number): number | undefined {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (isString) {
      if (char === "\\") at++;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (depth === 0 && /\s/.test(char)) return at;
  }
  return isString || depth !== 0 ? undefined : text.length;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkedOwn(own: Record<string, unknown>): Partial<OwnValues> {
  const { cell_id, blank_lines, language, magic_args } = own;
  return {
    ...(typeof cell_id === "string" ? { cell_id } : {}),
    ...(typeof blank_lines === "number" && blank_lines > 0 && blank_lines < 10_000 ? { blank_lines } : {}),
    ...(typeof language === "string" && /^\w+$/.test(language) ? { language } : {}),
    ...(typeof magic_args === "string" ? { magic_args } : {}),
  };
}
