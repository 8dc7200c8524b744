import type { PositionMap } from "../../compiler/cellCompiler.ts";
import { lookUp } from "../../compiler/positions.ts";

/** A place in generated code or in a source; both count from 0. */
export interface Place {
  line: number;
  column: number;
}

interface SourceLine {
  /** Where its code begins. */
  first: Place;
  /** All generated code that belongs to it. */
  stretches: Stretch[];
}

/** From `start` to before `end`. */
export interface Stretch {
  start: Place;
  end: Place;
}

/** The places of one script in its source and the other way round. A script without a map is its own source. */
export class Locations {
  readonly #positions: PositionMap | undefined;
  #lines: Map<number, SourceLine> | undefined;

  constructor(positions: PositionMap | undefined) {
    this.#positions = positions;
  }

  /** The source of a generated place; undefined for code that the compiler added. */
  toSource(place: Place): Place | undefined {
    return this.#positions ? lookUp(this.#positions, place.line, place.column) : place;
  }

  /** Where the code of a source line begins, or of the next one that has code. */
  toGenerated(line: number): Place | undefined {
    if (!this.#positions) return { line, column: 0 };
    const lines = this.#index(this.#positions);
    const found = [...lines.keys()].filter((other) => other >= line).reduce((a, b) => Math.min(a, b), Infinity);
    return lines.get(found)?.first;
  }

  /** The generated code of a source line. */
  stretches(line: number): Stretch[] {
    if (!this.#positions) return [{ start: { line, column: 0 }, end: { line: line + 1, column: 0 } }];
    return this.#index(this.#positions).get(line)?.stretches ?? [];
  }

  #index(positions: PositionMap): Map<number, SourceLine> {
    if (this.#lines) return this.#lines;
    const lines: Map<number, SourceLine> = new Map();
    positions.forEach((triples, generated) => {
      for (let i = 0; i < triples.length; i += 3) {
        const source = triples[i + 1]!;
        // What stands before the first piece of a line belongs to that piece.
        const start = { line: generated, column: i === 0 ? 0 : triples[i]! };
        const end =
          i + 3 < triples.length ? { line: generated, column: triples[i + 3]! } : { line: generated + 1, column: 0 };
        const known = lines.get(source);
        if (!known) lines.set(source, { first: { line: generated, column: triples[i]! }, stretches: [{ start, end }] });
        else addStretch(known.stretches, { start, end });
      }
    });
    this.#lines = lines;
    return lines;
  }
}

/** Neighbouring stretches become one: the inspector takes only lists without a place that occurs twice. */
function addStretch(stretches: Stretch[], added: Stretch): void {
  const last = stretches.at(-1)!;
  if (last.end.line === added.start.line && last.end.column === added.start.column) last.end = added.end;
  else stretches.push(added);
}
