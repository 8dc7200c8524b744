import { type AnyNode, type Identifier, type Program, parse } from "acorn";
import { analyze } from "eslint-scope";
import { children } from "../../compiler/walk.ts";
import { accessSymbol } from "./protocol.ts";

const accessExpression = `globalThis[Symbol.for(${JSON.stringify(accessSymbol)})]`;
/** The notebook's names, for code that runs anywhere on the main thread. */
export const namesExpression = `${accessExpression}.names`;

/** Loops that call nothing work on copies of the notebook's names, which are called so. */
export const loopPrefix = "$";

const words = new Set(["undefined", "arguments", "globalThis", "NaN", "Infinity", "eval"]);

/**
 * An expression (or statements) of a user as JavaScript in which free names are those of the notebook.
 *
 * @param locals names that the place of evaluation has itself, with what they are called there; without them, every
 *   name that turns out to be undefined there is the notebook's.
 * @throws SyntaxError where the code cannot be read.
 */
export async function translateExpression(
  code: string,
  locals: ReadonlyMap<string, string> | undefined,
): Promise<string> {
  let text = code;
  let program: Program;
  try {
    program = parseScript(text);
  } catch {
    text = await withoutTypes(code);
    program = parseScript(text);
  }
  const shorthand = new Set<unknown>();
  const callees = new Set<unknown>();
  const visit = (node: AnyNode): void => {
    if (node.type === "Property" && node.shorthand) shorthand.add(node.value);
    if (node.type === "CallExpression") callees.add(node.callee);
    for (const child of children(node)) visit(child);
  };
  visit(program);
  const scopes = analyze(program as never, { ecmaVersion: 2022, sourceType: "script" });
  const edits = scopes.globalScope!.through.flatMap((reference) => {
    const node = reference.identifier as unknown as Identifier;
    const { name, start, end } = node;
    const local = locals?.get(name);
    if (words.has(name) || local === name) return [];
    const free = reference.isWrite()
      ? `${namesExpression}.${name}`
      : `${accessExpression}.read(${JSON.stringify(name)})`;
    const own = local ?? free;
    const copy = `${loopPrefix}${name}`;
    const value =
      locals || reference.isWrite()
        ? own
        : `(typeof ${copy}!=="undefined"?${copy}:typeof ${name}==="undefined"?${own}:${name})`;
    if (shorthand.has(node)) return [{ start, end, text: `${name}:${value}` }];
    return [{ start, end, text: callees.has(node) ? `(0,${value})` : value }];
  });
  edits.sort((a, b) => b.start - a.start);
  for (const { start, end, text: value } of edits) text = text.slice(0, start) + value + text.slice(end);
  return text;
}

function parseScript(code: string): Program {
  return parse(code, {
    ecmaVersion: "latest",
    ranges: true,
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: false,
  });
}

async function withoutTypes(code: string): Promise<string> {
  const { strip } = await import("../../compiler/strip.ts");
  const stripped = await strip(code, { folder: process.cwd() });
  if (!stripped.ok) throw new SyntaxError(stripped.problem.message);
  return stripped.javascript.replace(/;\s*$/, "");
}
