import type { PositionMap } from "./cellCompiler.ts";

const digits = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((c, i) => [c, i]));

/** Reads the `mappings` of a version 3 source map with one source. */
export function decodeMappings(mappings: string): PositionMap {
  let sourceLine = 0;
  let sourceColumn = 0;
  return mappings.split(";").map((line) => {
    const triples: number[] = [];
    let column = 0;
    for (const segment of line ? line.split(",") : []) {
      const fields = decodeNumbers(segment);
      column += fields[0] ?? 0;
      if (fields.length < 4) continue;
      sourceLine += fields[2]!;
      sourceColumn += fields[3]!;
      triples.push(column, sourceLine, sourceColumn);
    }
    return triples;
  });
}

/** Base64 variable-length quantities: five bits a digit, the lowest bit of the number is its sign. */
function decodeNumbers(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of text) {
    const digit = digits.get(char) ?? 0;
    value |= (digit & 31) << shift;
    if (digit & 32) {
      shift += 5;
    } else {
      numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
      value = 0;
      shift = 0;
    }
  }
  return numbers;
}

/** The source position of a generated one: that of the nearest piece at or before it on its line. */
export function lookUp(map: PositionMap, line: number, column: number): { line: number; column: number } | undefined {
  const triples = map[line];
  if (!triples || triples.length === 0) return undefined;
  let low = 0;
  let high = triples.length / 3 - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (triples[middle * 3]! <= column) low = middle;
    else high = middle - 1;
  }
  return { line: triples[low * 3 + 1]!, column: triples[low * 3 + 2]! };
}

/** The map of code that was generated twice: `second` maps into the text that `first` maps from. */
export function compose(second: PositionMap, first: PositionMap): PositionMap {
  return second.map((triples) => {
    const line: number[] = [];
    for (let i = 0; i < triples.length; i += 3) {
      const source = lookUp(first, triples[i + 1]!, triples[i + 2]!);
      if (source) line.push(triples[i]!, source.line, source.column);
    }
    return line;
  });
}

/** The same map with all source lines moved up (the converter puts lines of its own before the cell). */
export function dropSourceLines(map: PositionMap, count: number): PositionMap {
  return map.map((triples) => triples.map((value, i) => (i % 3 === 1 ? Math.max(0, value - count) : value)));
}
