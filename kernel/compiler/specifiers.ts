import type { AnyNode } from "acorn";
import { children } from "./walk.ts";

/** What a CommonJS text loads by literal names, with `require` or `import()`. */
export function requiredSpecifiers(program: AnyNode): string[] {
  const found = new Set<string>();
  const visit = (node: AnyNode): void => {
    const argument =
      node.type === "ImportExpression"
        ? node.source
        : node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.name === "require"
          ? node.arguments[0]
          : undefined;
    if (argument?.type === "Literal" && typeof argument.value === "string") found.add(argument.value);
    for (const child of children(node)) visit(child);
  };
  visit(program);
  return [...found];
}
