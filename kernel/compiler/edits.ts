import type { PositionMap } from "./cellCompiler.ts";

interface Edit {
  start: number;
  end: number;
  text: string;
  /** At one place closing texts come before replacements' own and opening ones. */
  rank: number;
  /** Orders texts of one rank at one place. */
  turn: number;
}

const first = -1;
const closing = 0;
const opening = 1;
const replacing = 2;

/** Changes of a text, collected in any order, that keep its lines where they are. */
export class Edits {
  readonly #text: string;
  #edits: Edit[] = [];
  #turn = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Puts `text` before everything else. */
  begin(text: string): void {
    this.#edits.push({ start: 0, end: 0, text, rank: first, turn: ++this.#turn });
  }

  /** Puts `text` in front of what begins at `at`; of several at one place, the one asked for first is outermost. */
  open(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, rank: opening, turn: ++this.#turn });
  }

  /** Puts `text` behind what ends at `at`; of several at one place, the one asked for first is outermost. */
  close(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, rank: closing, turn: -++this.#turn });
  }

  /** Replaces a piece of the text; its line breaks stay. */
  replace(start: number, end: number, text: string): void {
    const breaks = this.#text.slice(start, end).split("\n").length - 1;
    this.#edits.push({ start, end, text: text + "\n".repeat(breaks), rank: replacing, turn: ++this.#turn });
  }

  /** Takes out the changed text of a range together with the changes made inside it. */
  take(start: number, end: number): string {
    const inside = this.#edits.filter((edit) => edit.start >= start && edit.end <= end);
    this.#edits = this.#edits.filter((edit) => !inside.includes(edit));
    return render(this.#text.slice(start, end), inside, start);
  }

  /** The changed text, and the positions of the original text moved to where they are in it. */
  apply(map: PositionMap): { text: string; positions: PositionMap } {
    const edits = [...this.#edits].sort(inOrder);
    return { text: render(this.#text, edits, 0), positions: shift(map, edits, this.#text) };
  }

  /** The changed text of a range. */
  read(start: number, end: number): string {
    const inside = this.#edits.filter((edit) => edit.start >= start && edit.end <= end);
    return render(this.#text.slice(start, end), inside, start);
  }

  /** Marks of the original text, as lists of triples like positions, at their columns in the changed one. */
  move(marks: PositionMap): PositionMap {
    return shift(marks, [...this.#edits].sort(inOrder), this.#text);
  }
}

function inOrder(a: Edit, b: Edit): number {
  return a.start - b.start || a.rank - b.rank || a.turn - b.turn;
}

function render(text: string, edits: readonly Edit[], offset: number): string {
  const pieces: string[] = [];
  let last = 0;
  for (const { start, end, text: added } of [...edits].sort(inOrder)) {
    pieces.push(text.slice(last, start - offset), added);
    last = end - offset;
  }
  pieces.push(text.slice(last));
  return pieces.join("");
}

function shift(map: PositionMap, edits: readonly Edit[], text: string): PositionMap {
  const byLine = new Map<number, { column: number; removed: number; added: number }[]>();
  let line = 0;
  let lineStart = 0;
  for (const { start, end, text: added } of edits) {
    for (let next = text.indexOf("\n", lineStart); next >= 0 && next < start; next = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = next + 1;
    }
    if (!byLine.has(line)) byLine.set(line, []);
    byLine.get(line)!.push({ column: start - lineStart, removed: end - start, added: added.length });
  }
  return map.map((triples, index) => {
    const changes = byLine.get(index);
    if (!changes) return triples;
    return triples.map((column, i) => (i % 3 === 0 ? moved(column, changes) : column));
  });
}

function moved(column: number, changes: readonly { column: number; removed: number; added: number }[]): number {
  let result = column;
  for (const { column: at, removed, added } of changes) {
    if (at > column) break;
    if (removed === 0) result += added;
    else if (column >= at + removed) result += added - removed;
    else result -= column - at;
  }
  return result;
}
