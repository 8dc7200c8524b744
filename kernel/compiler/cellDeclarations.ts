import type { AnyNode, Program, VariableDeclaration, VariableDeclarator } from "acorn";
import type { Edits } from "./edits.ts";
import { children, isFunction, namesOf } from "./walk.ts";

type ImportNode = Extract<AnyNode, { type: "ImportDeclaration" }>;
type ExportNode = Extract<
  AnyNode,
  { type: "ExportNamedDeclaration" | "ExportDefaultDeclaration" | "ExportAllDeclaration" }
>;

interface Rewritten {
  prologue: string;
  imports: string[];
  /** Statements that are gone with all names in them. */
  replaced: ReadonlySet<AnyNode>;
}

/** A statement that a cell cannot hold. */
export class CellSyntaxError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Turns the declarations of a cell's top level into assignments to `exports`; functions and imports are assigned before
 * anything else runs. Declarations of names that are not in `declared` (helpers of the emitter) stay.
 */
export function rewriteDeclarations(program: Program, declared: ReadonlyMap<string, unknown>, edits: Edits): Rewritten {
  const imports: string[] = [];
  const functions: string[] = [];
  const bindings: string[] = [];
  const hoisted: string[] = [];
  const replaced = new Set<AnyNode>();
  const assign = (name: string, value: string): string =>
    declared.has(name) ? `exports.${name}=${value};` : `const ${name}=${value};`;

  const bindImport = (node: ImportNode): void => {
    const specifier = String(node.source.value);
    imports.push(specifier);
    const module = `__kernel.module(${JSON.stringify(specifier)})`;
    for (const item of node.specifiers) {
      const name =
        item.type === "ImportDefaultSpecifier"
          ? "default"
          : item.type === "ImportSpecifier"
            ? nameOf(item.imported)
            : undefined;
      const value = name === undefined ? module : `__kernel.pick(${module},${JSON.stringify(name)})`;
      bindings.push(assign(item.local.name, value));
    }
    edits.replace(node.start, node.end, "");
  };

  const dropExport = (node: ExportNode): void => {
    if (node.type === "ExportAllDeclaration") {
      throw new CellSyntaxError("A cell cannot export all of a module: import the names that you need.", node.start);
    }
    if (node.type === "ExportDefaultDeclaration") {
      const value = node.declaration;
      edits.replace(node.start, value.start, "");
      if ("id" in value && value.id) {
        visit(value);
      } else {
        edits.open(value.start, "(exports.default=");
        edits.close(value.end, ")");
      }
      return;
    }
    if (node.declaration) {
      edits.replace(node.start, node.declaration.start, "");
      visit(node.declaration);
      return;
    }
    const specifier = node.source ? String(node.source.value) : undefined;
    if (specifier !== undefined) imports.push(specifier);
    const pieces = node.specifiers.map(({ local, exported }) => {
      const value =
        specifier === undefined
          ? `exports.${nameOf(local)}`
          : `__kernel.pick(__kernel.module(${JSON.stringify(specifier)}),${JSON.stringify(nameOf(local))})`;
      return `exports[${JSON.stringify(nameOf(exported))}]=${value};`;
    });
    edits.replace(node.start, node.end, pieces.join(""));
    replaced.add(node);
  };

  const visit = (node: AnyNode): void => {
    switch (node.type) {
      case "ImportDeclaration":
        bindImport(node);
        return;
      case "ExportNamedDeclaration":
      case "ExportDefaultDeclaration":
      case "ExportAllDeclaration":
        dropExport(node);
        return;
      case "FunctionDeclaration":
        if (node.id && declared.has(node.id.name)) functions.push(`exports.${node.id.name}=${node.id.name};`);
        return;
      case "ClassDeclaration":
        if (node.id && declared.has(node.id.name)) {
          edits.open(node.start, `exports.${node.id.name}=`);
          edits.close(node.end, ";");
        }
        return;
      case "VariableDeclaration":
        hoisted.push(...assignDeclaration(node, declared, edits));
        return;
    }
  };

  // Below the top level only `var` belongs to it.
  const visitNested = (node: AnyNode, parent?: AnyNode): void => {
    if (isFunction(node) || node.type === "ClassBody") return;
    if (node.type === "VariableDeclaration" && node.kind === "var") {
      for (const { id } of node.declarations) {
        hoisted.push(
          ...namesOf(id)
            .filter((name) => declared.has(name))
            .map((name) => `exports.${name}=void 0;`),
        );
      }
      const isHead = (parent?.type === "ForInStatement" || parent?.type === "ForOfStatement") && parent.left === node;
      if (isHead) edits.replace(node.start, node.declarations[0]!.start, "");
      else hoisted.push(...assignDeclaration(node, declared, edits, true));
      return;
    }
    for (const child of children(node)) visitNested(child, node);
  };

  for (const statement of program.body) {
    if (/Declaration$/.test(statement.type)) visit(statement);
    else visitNested(statement);
  }
  return { prologue: [...bindings, ...hoisted, ...functions].join(""), imports: [...new Set(imports)], replaced };
}

const nameOf = (node: { type: string; name?: string; value?: unknown }): string =>
  node.type === "Identifier" ? node.name! : String(node.value);

/**
 * `const a = 1, { b } = c` as `(exports.a = 1), ({ b: exports.b } = c)`; the names themselves are replaced elsewhere.
 *
 * @returns code that declares the helpers among the names.
 */
function assignDeclaration(
  node: VariableDeclaration,
  declared: ReadonlyMap<string, unknown>,
  edits: Edits,
  isNested = false,
): string[] {
  const names = node.declarations.flatMap(({ id }) => namesOf(id));
  if (!names.some((name) => declared.has(name))) return [];
  edits.replace(node.start, node.declarations[0]!.start, "");
  for (const declarator of node.declarations) {
    if (declarator.init) assignDeclarator(declarator, edits);
    else {
      const name = namesOf(declarator.id)[0]!;
      const isOwn = !isNested && declared.has(name);
      edits.replace(declarator.start, declarator.end, isOwn ? `exports.${name}=void 0` : "void 0");
    }
  }
  return names.filter((name) => !declared.has(name)).map((name) => `let ${name};`);
}

function assignDeclarator({ id, init, start, end }: VariableDeclarator, edits: Edits): void {
  edits.open(start, "(");
  edits.close(end, ")");
  if (id.type !== "Identifier" || !init) return;
  const isAnonymous =
    init.type === "ArrowFunctionExpression" ||
    ((init.type === "FunctionExpression" || init.type === "ClassExpression") && !init.id);
  if (isAnonymous) {
    // An assignment to a property names no function; a property of a literal does.
    edits.open(init.start, `({${id.name}:`);
    edits.close(init.end, `}).${id.name}`);
  } else if (isEnumeration(init, id.name)) {
    // An enumeration that is declared again starts anew.
    edits.open((init as Extract<AnyNode, { type: "CallExpression" }>).arguments[0]!.start, "void 0&&");
  }
}

/** The emitter's `var E = ((E2) => { ... })(E || {})`. */
function isEnumeration(init: AnyNode, name: string): boolean {
  if (init.type !== "CallExpression" || init.callee.type !== "ArrowFunctionExpression") return false;
  const [argument] = init.arguments;
  return (
    argument?.type === "LogicalExpression" &&
    argument.operator === "||" &&
    argument.left.type === "Identifier" &&
    argument.left.name === name &&
    argument.right.type === "ObjectExpression"
  );
}
