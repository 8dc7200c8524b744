import { createRequire } from "node:module";
import type { AnyNode, Node, Program } from "acorn";
import type { Scope } from "eslint-scope";
import { InvalidInputError } from "../base/errors.ts";

type Acorn = typeof import("acorn");
type EslintScope = typeof import("eslint-scope");
export type FunctionNode = Extract<
  AnyNode,
  { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }
>;

/** A function's text, understood. */
export interface FunctionCode {
  readonly text: string;
  /** What it does, in a form in which layout, comments, semicolons, brackets and its own name do not count. */
  readonly meaning: unknown;
  /** Names that it takes from outside itself, those of JavaScript and Node.js aside, sorted. */
  readonly freeNames: readonly string[];
}

/** Both are read when the first part is made: a session that makes none does not wait for them. */
const require = createRequire(import.meta.url);

/**
 * Reads a function's text as JavaScript prints it.
 *
 * @throws InvalidInputError for what has no text: functions that are built in or bound.
 */
export function functionCode(text: string, what: string): FunctionCode {
  if (/\{\s*\[native code\]\s*\}$/.test(text))
    throw new InvalidInputError(
      `The code of ${what} cannot be recorded: it is a built-in or a bound function.`,
      "Write a function that calls it: (x) => f(x).",
    );
  const program = parsed(text, what);
  const node = functionOf(program);
  if (!node)
    throw new InvalidInputError(
      `The code of ${what} cannot be recorded: it is no function but a class.`,
      "Give a function.",
    );
  const { params, body, async, generator } = node;
  return { text, meaning: plainTree({ params, body, async, generator }), freeNames: namesFromOutside(program) };
}

/** The text stands for an expression, or for a method of an object or of a class. */
function parsed(text: string, what: string): Program {
  const { parse } = require("acorn") as Acorn;
  let failure: unknown;
  for (const code of [`(${text}\n)`, `({${text}\n})`, `(class {${text}\n})`]) {
    try {
      return parse(code, { ecmaVersion: "latest", sourceType: "module", ranges: true });
    } catch (error) {
      failure ??= error;
    }
  }
  throw new InvalidInputError(`The code of ${what} cannot be read.`, "Give a function as a value.", failure);
}

function functionOf(program: Program): FunctionNode | undefined {
  const statement = program.body[0];
  const node = statement?.type === "ExpressionStatement" ? statement.expression : undefined;
  if (node?.type === "FunctionExpression" || node?.type === "ArrowFunctionExpression") return node;
  const member = node?.type === "ObjectExpression" ? node.properties[0] : undefined;
  if (member?.type === "Property" && member.value.type === "FunctionExpression") return member.value;
  const method = node?.type === "ClassExpression" && !node.id && !node.superClass ? node.body.body[0] : undefined;
  return method?.type === "MethodDefinition" && node?.type === "ClassExpression" && node.body.body.length === 1
    ? method.value
    : undefined;
}

const globals: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(globalThis), "arguments", "undefined"]);

function namesFromOutside(program: Program): string[] {
  const { analyze } = require("eslint-scope") as EslintScope;
  const { globalScope } = analyze(program as never, { ecmaVersion: 2025, sourceType: "module" });
  const names = (globalScope as Scope).through.map(({ identifier }) => (identifier as { name: string }).name);
  return [...new Set(names)].filter((name) => !globals.has(name)).sort();
}

/** What says nothing of what a piece of code does. */
const layout = new Set(["start", "end", "loc", "range", "raw", "shorthand", "directive", "tail"]);

/** A tree of syntax as plain data, without places and without what is empty. */
function plainTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainTree).filter((item) => item !== undefined);
  if (typeof value !== "object" || value === null) return value;
  const node = value as Node & Record<string, unknown>;
  if (node.type === "EmptyStatement") return undefined;
  if (node.type === "Literal") {
    const { regex, bigint } = node as { regex?: { pattern: string; flags: string }; bigint?: string };
    if (regex) return ["regex", regex.pattern, regex.flags];
    return bigint ? ["bigint", bigint] : ["value", typeof node.value, String(node.value)];
  }
  if (node.type === "TemplateElement") return ["template", (node.value as { cooked: string }).cooked];
  const entries = Object.entries(node)
    // Of an arrow function it tells how the body is written, which the body's own type does too.
    .filter(([key, inner]) => !layout.has(key) && !(key === "expression" && typeof inner === "boolean"))
    .map(([key, inner]) => [key, plainTree(inner)] as const)
    .filter(([, inner]) => inner !== undefined && inner !== null && inner !== false)
    .filter(([, inner]) => !Array.isArray(inner) || inner.length > 0);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
