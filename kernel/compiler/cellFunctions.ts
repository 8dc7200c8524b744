import type { AnyNode, Program } from "acorn";
import type { PositionMap } from "./cellCompiler.ts";
import { children, isFunction } from "./walk.ts";

/** Where functions begin in a text: for each line, triples of column, start and end. Undefined for a text without any. */
export function functionMarks(program: Program, text: string): PositionMap | undefined {
  const pieces: [start: number, end: number][] = [];
  const visit = (node: AnyNode, parent?: AnyNode): void => {
    // A method prints with its name.
    const isMethod = parent?.type === "Property" ? parent.method : parent?.type === "MethodDefinition";
    const piece = isMethod && !("static" in parent! && parent.static) ? parent! : node;
    if (isFunction(node)) pieces.push([piece.start, piece.end]);
    for (const child of children(node)) visit(child, node);
  };
  visit(program as AnyNode);
  if (!pieces.length) return undefined;
  const marks: number[][] = text.split("\n").map(() => []);
  let line = 0;
  let lineStart = 0;
  for (const [start, end] of pieces.sort((a, b) => a[0] - b[0])) {
    for (let next = text.indexOf("\n", lineStart); next >= 0 && next < start; next = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = next + 1;
    }
    marks[line]!.push(start - lineStart, start, end);
  }
  return marks;
}

/** The modules of names that a program imports; undefined where it imports none. */
export function importedNames(program: Program): Record<string, string> | undefined {
  const names: Record<string, string> = {};
  for (const node of program.body)
    if (node.type === "ImportDeclaration")
      for (const { local } of node.specifiers) names[local.name] = String(node.source.value);
  return Object.keys(names).length ? names : undefined;
}
