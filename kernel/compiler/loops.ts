import { createRequire } from "node:module";
import type { AnyNode } from "acorn";
import { children, isLoop, type LoopNode } from "./walk.ts";

/** Loaded with the first file: most sessions import no package that needs it. */
let acorn: typeof import("acorn") | undefined;

/** A longer file is left as it is: reading it would take a second. In UTF-16 units. */
const maxLength = 500_000;

/**
 * Puts `check` at the head of each iteration of every loop but counted ones that call nothing. Keeps the lines; a file
 * without loops, one that is very long and one that cannot be read stay as they are.
 */
export function checkLoops(javascript: string, sourceType: "script" | "module", check: string): string {
  if (javascript.length > maxLength || !/\b(?:for|while|do)\b/.test(javascript)) return javascript;
  acorn ??= createRequire(import.meta.url)("acorn") as typeof import("acorn");
  let program: AnyNode;
  try {
    program = acorn.parse(javascript, {
      ecmaVersion: "latest",
      sourceType,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: sourceType === "module",
    });
  } catch {
    return javascript;
  }
  const insertions: { at: number; text: string }[] = [];
  /** Returns whether the node runs code of unknown length. */
  const visit = (node: AnyNode): boolean => {
    let isBusy = busy.has(node.type);
    // Two insertions at one place never follow each other the wrong way round: the outer loop's come first.
    const at = insertions.length;
    for (const child of children(node)) isBusy = visit(child) || isBusy;
    if (!isLoop(node)) return isBusy;
    if (isBusy || !isCounted(node)) {
      const { body } = node;
      const isBlock = body.type === "BlockStatement";
      insertions.splice(at, 0, { at: isBlock ? body.start + 1 : body.start, text: isBlock ? check : `{${check}` });
      if (!isBlock) insertions.push({ at: body.end, text: "}" });
    }
    return true;
  };
  visit(program);
  if (insertions.length === 0) return javascript;
  // Stable: of several at one place, the order is that in which they were found.
  insertions.sort((a, b) => a.at - b.at);
  const pieces: string[] = [];
  let last = 0;
  for (const { at, text } of insertions) {
    pieces.push(javascript.slice(last, at), text);
    last = at;
  }
  pieces.push(javascript.slice(last));
  return pieces.join("");
}

/** Node types that run code of unknown length. */
export const busy: ReadonlySet<string> = new Set([
  "CallExpression",
  "NewExpression",
  "AwaitExpression",
  "YieldExpression",
  "TaggedTemplateExpression",
  "ImportExpression",
]);

export function isCounted(loop: LoopNode): boolean {
  return loop.type === "ForStatement" && loop.test !== null && loop.update !== null;
}
