import { readHeader, writeHeader } from "./header.ts";
import { type Marker, markerLine, type OwnValues, readMarker, writeMarker } from "./marker.ts";

/** A cell as a script holds it: without outputs. */
export interface ScriptCell {
  cell_type: "code" | "markdown" | "raw";
  metadata: Record<string, unknown>;
  source: string;
  /** Only where the script keeps it. */
  id?: string;
}

/** What a script in percent format holds of a notebook. */
export interface Script {
  metadata: Record<string, unknown>;
  cells: ScriptCell[];
}

/**
 * A notebook as a script in percent format (jupytext's): every cell begins with a line `// %%`, Markdown and raw cells
 * stand as comments, the notebook's metadata in a header.
 *
 * @param options `ids`: write the cells' ids too, for a script that stands alone. Default false.
 */
export function writePercent(script: Script, { ids = false }: { ids?: boolean } = {}): string {
  const cells = script.cells.map((cell) => cellLines(cell, ids).join("\n"));
  return [writeHeader(script.metadata), ...cells].map((part) => `${part}\n`).join("\n");
}

/** Reads a script. Text before the first marker, other than the header, is a cell of its own. */
export function readPercent(text: string): Script {
  const { metadata, rest } = readHeader(sameBreaks(text));
  const cells: ScriptCell[] = [];
  let marker: Marker | undefined;
  let lines: string[] = [];
  const end = () => {
    if (marker || lines.some((line) => line.trim() !== "")) cells.push(readCell(marker ?? bareMarker, lines));
    lines = [];
  };
  for (const line of rest.split("\n")) {
    const next = readMarker(line);
    if (next) {
      end();
      marker = next;
    } else lines.push(line);
  }
  end();
  return { metadata, cells };
}

const bareMarker: Marker = { type: "code", metadata: {}, own: {} };

/** A file that a Windows editor has saved has its line breaks everywhere. */
const sameBreaks = (text: string): string => (/(?<!\r)\n/.test(text) ? text : text.replaceAll("\r\n", "\n"));

/** `%%name args` that makes the cell another language's. `%%time` and its like leave the cell TypeScript. */
const languageMagic = /^%%(?!time$|timeit$|capture$)(\w+)(?: ([^\r]*[^\s]))?$/;
/** A line that looks like a marker but is the cell's own has one more backslash before its `%%`. */
const likeMarker = /^(\s*\/\/\s*)(\\*)(%%%*(?:\s.*)?)$/;
/** Magics stand as comments, and comments that look like them get one more `//`. */
const likeMagic = /^(?:\/\/ )*%{1,2}[A-Za-z]/;

function cellLines({ cell_type: type, metadata, source, id }: ScriptCell, ids: boolean): string[] {
  const own: Partial<OwnValues> = ids && id !== undefined ? { cell_id: id } : {};
  const lines = source === "" ? [] : source.split("\n");
  const magic = type === "code" ? languageMagic.exec(lines[0] ?? "") : null;
  if (magic) {
    own.language = magic[1]!;
    if (magic[2] !== undefined) own.magic_args = magic[2];
    return [writeMarker({ type, metadata, own }), ...lines.slice(1).map(comment)];
  }
  if (type !== "code") return [writeMarker({ type, metadata, own }), ...lines.map(comment)];
  const blank = /\n*$/.exec(source)![0].length;
  if (blank > 0) own.blank_lines = blank;
  const kept = lines.slice(0, lines.length - blank);
  // A source of nothing but line breaks splits into one more line than it has breaks.
  const body = kept.length === 1 && kept[0] === "" ? [] : kept;
  return [
    writeMarker({ type, metadata, own }),
    ...body.map((line) => escaped(likeMagic.test(line) ? `// ${line}` : line)),
  ];
}

function readCell({ type, metadata, own }: Marker, lines: readonly string[]): ScriptCell {
  const used = withoutBlankEnd(lines);
  const cell = { cell_type: type, metadata, ...(own.cell_id === undefined ? {} : { id: own.cell_id }) };
  if (type !== "code") return { ...cell, source: used.map(uncomment).join("\n") };
  if (own.language !== undefined) {
    const args = own.magic_args === undefined ? "" : ` ${own.magic_args}`;
    return { ...cell, source: [`%%${own.language}${args}`, ...used.map(uncomment)].join("\n") };
  }
  const source = used.map((line) => unmagic(unescaped(line))).join("\n");
  return { ...cell, source: source + "\n".repeat(own.blank_lines ?? 0) };
}

function withoutBlankEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line !== "");
  return lines.slice(0, last + 1);
}

const comment = (line: string): string => escaped(line === "" ? "//" : `// ${line}`);

function uncomment(line: string): string {
  const own = unescaped(line);
  return own.startsWith("// ") ? own.slice(3) : own === "//" ? "" : own;
}

const escaped = (line: string): string => line.replace(likeMarker, "$1$2\\$3");

const unescaped = (line: string): string => (markerLine.test(line) ? line : line.replace(likeMarker, dropBackslash));

const dropBackslash = (_: string, before: string, slashes: string, rest: string): string =>
  before + slashes.slice(1) + rest;

const unmagic = (line: string): string => (line.startsWith("// ") && likeMagic.test(line) ? line.slice(3) : line);
