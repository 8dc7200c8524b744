import { scanStatementLines } from "./magicsScan.ts";
import { cellMagics, choices, lineMagics } from "./magicsTable.ts";

/** A magic on a line of its own. */
export interface LineMagic {
  /** `!` for a shell command. */
  name: string;
  args: string;
  /** Number of its line, from 0. */
  line: number;
  /** Offsets of the line and of its arguments. */
  start: number;
  end: number;
  argsStart: number;
}

/** A magic that takes the whole cell. */
export interface CellMagic {
  name: string;
  args: string;
  /** The cell after the magic's line. */
  body: string;
}

export interface ParsedCell {
  cell?: CellMagic;
  /** In order; those of the body for a cell magic that takes TypeScript. */
  lines: LineMagic[];
  /** The TypeScript of the cell, as long as the cell itself: magics are spaces in it. */
  code: string;
}

const cellHead = /^(?:[ \t\r]*\n)*(\/\/ ?)?%%(\w+)(?:[ \t]+([^\n]*))?(?:\n|$)/;
const lineHead = /^(?:%|(\/\/ ?)%)(\w+)(?:[ \t]+(.*))?$/;

/**
 * Finds the magics of a cell: `%%name args` in its first line, `%name args` and `!command` on lines where a statement may
 * begin, each also as a comment (`// %%name`, `// %name`; there an unknown name is a mere comment).
 *
 * @param isOwnName whether the code after a `!` means a value: `!done` is TypeScript where `done` is one.
 */
export function parseMagics(code: string, isOwnName: (name: string) => boolean = () => false): ParsedCell {
  const head = cellHead.exec(code);
  const [text, comment, name, args = ""] = head ?? [];
  const isCell = name !== undefined && (!comment || Object.hasOwn(cellMagics, name));
  const from = isCell ? text!.length : 0;
  const blankHead = code.slice(0, from).replace(/[^\n]/g, " ");
  if (isCell && name !== "time") {
    const body = comment ? uncommented(code.slice(from)) : code.slice(from);
    return { cell: { name, args: args.trim(), body }, lines: [], code: blankHead + blank(code.slice(from)) };
  }
  const lines: LineMagic[] = [];
  const source = blankHead + code.slice(from);
  scanStatementLines(source, (place) => {
    const magic = magicOf(source, place, isOwnName);
    if (magic) lines.push(magic);
    return magic !== undefined;
  });
  const pieces: string[] = [];
  let last = 0;
  for (const { start, end } of lines) {
    pieces.push(source.slice(last, start), " ".repeat(end - start));
    last = end;
  }
  pieces.push(source.slice(last));
  return {
    ...(isCell ? { cell: { name: name!, args: args.trim(), body: code.slice(from) } } : {}),
    lines,
    code: pieces.join(""),
  };
}

const blank = (text: string): string => text.replace(/[^\n]/g, " ");

/** The body of a cell whose every line is a comment: so Python can stand in a script of TypeScript. */
function uncommented(body: string): string {
  const lines = body.split("\n");
  return lines.every((line) => line.trim() === "" || line.startsWith("//"))
    ? lines.map((line) => line.replace(/^\/\/ ?/, "")).join("\n")
    : body;
}

function magicOf(
  code: string,
  { line, start, end }: { line: number; start: number; end: number },
  isOwnName: (name: string) => boolean,
): LineMagic | undefined {
  const text = code.slice(start, end).replace(/\r$/, "");
  if (text.startsWith("!")) {
    if (!isCommand(text.slice(1), code.slice(0, start), isOwnName)) return undefined;
    return { name: "!", args: text.slice(1).trim(), line, start, end, argsStart: start + 1 };
  }
  const match = lineHead.exec(text);
  if (!match) return undefined;
  const [, comment, name, args = ""] = match;
  if (comment && !Object.hasOwn(lineMagics, name!)) return undefined;
  return { name: name!, args: args.trim(), line, start, end, argsStart: start + text.length - args.length };
}

/** Words that begin an expression and no command. */
const expressionWords = new Set(
  "async await class delete false function import new null super this true typeof undefined void".split(" "),
);

/**
 * Whether what stands after `!` is a command for the shell: TypeScript negates a value that the notebook, the cell or
 * the global scope has, calls something or takes a property of it.
 */
function isCommand(text: string, before: string, isOwnName: (name: string) => boolean): boolean {
  if (/^[\s!({["'`+\-\d]*$/.test(text) || /^[!({["'`+-]/.test(text)) return false;
  // A path is a command, unless it is a regular expression that is asked.
  if (text.startsWith("/")) return !/\/[a-z]*\.(?:test|exec)\(/.test(text);
  const match = /^\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)([([`]|\?\.|!)?/u.exec(text);
  if (!match) return true;
  const [, word, follows] = match;
  if (follows || expressionWords.has(word!) || word! in globalThis || isOwnName(word!)) return false;
  return !new RegExp(`(?<![\\p{ID_Continue}$])${word!.replaceAll("$", "\\$")}(?![\\p{ID_Continue}$])`, "u").test(
    before,
  );
}

/** The TypeScript of a cell for completion, inspection and the like: as long as the cell, with magics as spaces. */
export function plainCode(code: string): string {
  const { lines, code: plain } = parseMagics(code);
  let text = plain;
  for (const { name, argsStart, end } of lines)
    if (name === "time") text = text.slice(0, argsStart) + code.slice(argsStart, end) + text.slice(end);
  return text;
}

/**
 * Completes the name of a magic, and the words that `%check` and `%compiler` take; nothing in the rest of a magic's text;
 * undefined in TypeScript.
 */
export function completeMagic(
  code: string,
  offset: number,
): { start: number; end: number; items: { text: string; type: string }[] } | undefined {
  const text = code.slice(code.lastIndexOf("\n", offset - 1) + 1, offset);
  const found = (typed: string, names: readonly string[], type: string) => ({
    start: offset - typed.length,
    end: offset,
    items: names.filter((name) => name.startsWith(typed)).map((name) => ({ text: name, type })),
  });
  const { cell } = parseMagics(code);
  // Below the head of a magic that takes the cell.
  const isForeign = cell !== undefined && cell.name !== "time" && !/^(?:\/\/ ?)?%%/.test(text);
  const name = isForeign ? null : /^(?:\/\/ ?)?(%%?)(\w*)$/.exec(text);
  if (name) return found(name[2]!, Object.keys(name[1] === "%%" ? cellMagics : lineMagics), "magic");
  const choice = isForeign ? null : /^(?:\/\/ ?)?%(check|compiler)[ \t]+(\w*)$/.exec(text);
  if (choice) return found(choice[2]!, choices[choice[1] as keyof typeof choices], "keyword");
  return isForeign || plainCode(code)[offset - 1] !== code[offset - 1] ? found("", [], "") : undefined;
}
