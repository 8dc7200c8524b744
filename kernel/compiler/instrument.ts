import type * as TypeScript from "typescript";
import type { PositionMap } from "./cellCompiler.ts";

interface Insertion {
  at: number;
  text: string;
  /** Of insertions at one place, the smaller comes first. */
  order: number;
}

/**
 * True for a counted loop that calls nothing and holds no other loop: it ends by itself, so it is left at full speed.
 */
function isLeafLoop(ts: typeof TypeScript, loop: TypeScript.Node): boolean {
  if (!ts.isForStatement(loop) || !loop.condition || !loop.incrementor) return false;
  const isBusy = (node: TypeScript.Node): boolean =>
    ts.isCallExpression(node) ||
    ts.isNewExpression(node) ||
    ts.isAwaitExpression(node) ||
    ts.isYieldExpression(node) ||
    ts.isTaggedTemplateExpression(node) ||
    (node !== loop && ts.isIterationStatement(node, false)) ||
    (ts.forEachChild(node, (child) => isBusy(child) || undefined) ?? false);
  return !isBusy(loop);
}

interface Findings {
  insertions: Insertion[];
  imports: string[];
  awaitsAtTopLevel: boolean;
}

function collect(ts: typeof TypeScript, file: TypeScript.SourceFile): Findings {
  const insertions: Insertion[] = [];
  const imports = new Set<string>();
  let functions = 0;
  let awaitsAtTopLevel = false;
  const put = (at: number, text: string, order: number) => insertions.push({ at, text, order });
  const visit = (node: TypeScript.Node): void => {
    if (functions === 0 && (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier))) {
      awaitsAtTopLevel = true;
    }
    if (ts.isAwaitExpression(node)) {
      put(node.getStart(file), "__kernel.checkAwait(", 2);
      put(node.end, ")", 0);
    } else if (ts.isForOfStatement(node) && node.awaitModifier) {
      // A step of `for await` is an await too; its body begins right after it.
      guardBody(node.statement, "__kernel.checkAwait();");
    } else if (ts.isIterationStatement(node, false) && !isLeafLoop(ts, node)) {
      guardBody(node.statement, "if(__kernel.flag[0]!==0)__kernel.checkLoop();");
    } else if (
      ts.isCallExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === "require" &&
      node.arguments[0] &&
      ts.isStringLiteral(node.arguments[0])
    ) {
      imports.add(node.arguments[0].text);
    }
    const isFunction = ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node);
    if (isFunction) functions++;
    ts.forEachChild(node, visit);
    if (isFunction) functions--;
  };
  const guardBody = (body: TypeScript.Statement, check: string): void => {
    if (ts.isBlock(body)) {
      put(body.getStart(file) + 1, check, 3);
    } else {
      put(body.getStart(file), `{${check}`, 1);
      put(body.end, "}", 1);
    }
  };
  visit(file);
  insertions.sort((a, b) => a.at - b.at || a.order - b.order);
  return { insertions, imports: [...imports], awaitsAtTopLevel };
}

/**
 * Puts the kernel's checks into JavaScript so that interrupts end its loops and awaits. Adds no lines.
 *
 * @param map positions of `javascript`; the returned ones are those of the new text.
 * @returns also the literal specifiers that the code requires, and whether it awaits outside of functions.
 */
export function instrument(
  ts: typeof TypeScript,
  javascript: string,
  map: PositionMap,
): { javascript: string; positions: PositionMap; imports: string[]; awaitsAtTopLevel: boolean } {
  // Only in a module is a top-level `await (...)` not a call of a function named "await".
  const asModule = `${javascript}\nexport {};`;
  const file = ts.createSourceFile("cell.js", asModule, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const { insertions, imports, awaitsAtTopLevel } = collect(ts, file);
  const pieces: string[] = [];
  const byLine = new Map<number, { column: number; length: number }[]>();
  let last = 0;
  for (const { at, text } of insertions) {
    pieces.push(javascript.slice(last, at), text);
    last = at;
    const { line, character } = file.getLineAndCharacterOfPosition(at);
    if (!byLine.has(line)) byLine.set(line, []);
    byLine.get(line)!.push({ column: character, length: text.length });
  }
  pieces.push(javascript.slice(last));
  const positions = map.map((triples, line) => {
    const shifts = byLine.get(line);
    if (!shifts) return triples;
    return triples.map((value, i) =>
      i % 3 === 0 ? shifts.reduce((sum, s) => (s.column <= value ? sum + s.length : sum), value) : value,
    );
  });
  return { javascript: pieces.join(""), positions, imports, awaitsAtTopLevel };
}
