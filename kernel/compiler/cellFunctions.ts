import type { AnyNode, Program } from "acorn";
import type { CellFunctions } from "./cellCompiler.ts";
import type { Edits } from "./edits.ts";
import { children, isFunction } from "./walk.ts";

/** The functions of a cell with their places in its text; undefined for one without any. */
export function cellFunctions(program: Program, text: string, restoring: Edits): CellFunctions | undefined {
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
  const texts: string[] = [];
  let line = 0;
  let lineStart = 0;
  for (const [start, end] of pieces.sort((a, b) => a[0] - b[0])) {
    for (let next = text.indexOf("\n", lineStart); next >= 0 && next < start; next = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = next + 1;
    }
    marks[line]!.push(start - lineStart, texts.length, 0);
    texts.push(restoring.read(start, end));
  }
  return { texts, marks };
}

/** The modules of names that a program imports; undefined where it imports none. */
export function importedNames(program: Program): Record<string, string> | undefined {
  const names: Record<string, string> = {};
  for (const node of program.body)
    if (node.type === "ImportDeclaration")
      for (const { local } of node.specifiers) names[local.name] = String(node.source.value);
  return Object.keys(names).length ? names : undefined;
}
