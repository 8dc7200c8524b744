import { type Program, parse } from "acorn";
import type { PositionMap } from "./cellCompiler.ts";

/** Longer cells gain nothing. In UTF-16 units. */
const maxLength = 4000;

/**
 * Marks of what only TypeScript's emitter can read. `f<a>(b)` is valid JavaScript too, and means something else: with
 * any `<` it is left to the emitter. So are decorators, `using`, and escapes in names.
 */
const needsEmitter = /[<@\\]|\busing\b/;

/** A short cell that is JavaScript as it stands, parsed; undefined for all others. Most short cells are. */
export function parsePlain(code: string): { program: Program; positions: PositionMap } | undefined {
  if (code.length > maxLength || needsEmitter.test(code)) return undefined;
  const positions: number[][] = code.split("\n").map(() => []);
  try {
    const program = parse(code, {
      ecmaVersion: 2025,
      sourceType: "module",
      ranges: true,
      locations: true,
      allowAwaitOutsideFunction: true,
      onToken: ({ loc, type }) => {
        const { line, column } = loc!.start;
        // V8 places a call at its bracket; users look for the function's name.
        if (type.label === "(") return;
        positions[line - 1]?.push(column, line - 1, column);
      },
    });
    return { program, positions };
  } catch {
    return undefined;
  }
}
