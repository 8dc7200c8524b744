import { type AnyNode, type ExpressionStatement, type Program, parse } from "acorn";
import type { ConvertedCell, PositionMap } from "./cellCompiler.ts";
import { cellFunctions, importedNames } from "./cellFunctions.ts";
import { Edits } from "./edits.ts";
import { lower } from "./lowering.ts";
import { type NameKind, type NamesFound, rewriteNames } from "./names.ts";

/** Under this name the body leaves the value of its last expression. */
const resultName = "$result";

export interface RewrittenCell {
  cell: Omit<ConvertedCell, "sideModules">;
  declared: Map<string, NameKind>;
}

/** Parses JavaScript as acorn sees it: with positions as offsets, and an await allowed at the top level. */
export function parseModule(javascript: string): Program {
  return parse(javascript, {
    ecmaVersion: "latest",
    sourceType: "module",
    ranges: true,
    allowAwaitOutsideFunction: true,
  });
}

/**
 * A cell's JavaScript as the body of a function whose names live in `exports`, and which the kernel can stop.
 *
 * @param program the parsed text.
 * @throws SyntaxError of acorn with `pos`, or `CellSyntaxError` with `offset`.
 */
export function rewriteCell(
  javascript: string,
  positions: PositionMap,
  context: { source: string; known: ReadonlyMap<string, NameKind>; globals: ReadonlySet<string> },
  program: Program = parseModule(javascript),
): RewrittenCell {
  const edits = new Edits(javascript);
  const names: NamesFound = rewriteNames(program, { edits, javascript, ...context });
  const { declared, uses, sets, later, prologue, imports } = names;
  const last = lastExpression(program.body);
  if (last) {
    edits.open(last.expression.start, `exports.${resultName}=(`);
    edits.close(last.expression.end, ")");
  }
  const { isAsync } = lower(program, { edits, javascript });
  if (prologue) edits.begin(prologue);
  const changed = edits.apply(positions);
  const functions = cellFunctions(program, javascript, names.restoring);
  const imported = importedNames(program);
  return {
    declared,
    cell: {
      javascript: changed.text,
      positions: changed.positions,
      imports,
      isAsync,
      ...(last ? { resultName, hidesResult: last.expression.type === "AssignmentExpression" } : {}),
      names: [...declared.keys()],
      uses,
      sets,
      later,
      ...(functions ? { functions: { ...functions, marks: edits.move(functions.marks) } } : {}),
      ...(imported ? { imported } : {}),
    },
  };
}

/** The statement whose value is the cell's, also inside what the emitter makes of `using`. */
function lastExpression(body: readonly AnyNode[]): ExpressionStatement | undefined {
  const last = body.findLast(({ type }) => type !== "EmptyStatement");
  if (last?.type === "ExpressionStatement") return last;
  if (last?.type !== "TryStatement" || !last.finalizer) return undefined;
  const disposes = last.finalizer.body.some(
    (node) => node.type === "VariableDeclaration" && /^_promise|^_error/.test(idName(node.declarations[0]?.id)),
  );
  return disposes || callsDispose(last.finalizer.body) ? lastExpression(last.block.body) : undefined;
}

const idName = (id: AnyNode | undefined): string => (id?.type === "Identifier" ? id.name : "");

function callsDispose(body: readonly AnyNode[]): boolean {
  return body.some(
    (node) =>
      node.type === "ExpressionStatement" &&
      node.expression.type === "CallExpression" &&
      idName(node.expression.callee) === "__callDispose",
  );
}
