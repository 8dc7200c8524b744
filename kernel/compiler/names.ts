import type { AnyNode, Identifier, Program } from "acorn";
import { analyze, type Reference, type Scope, type Variable } from "eslint-scope";
import { rewriteDeclarations } from "./cellDeclarations.ts";
import { Edits } from "./edits.ts";
import { localiseLoops } from "./localLoops.ts";
import { type Mention, mentionText } from "./mentions.ts";
import { isWritten, restoreNames } from "./restoreNames.ts";
import { children } from "./walk.ts";

/** How a name of the notebook was declared: a constant refuses assignments. */
export type NameKind = "constant" | "variable";

export interface NameContext {
  edits: Edits;
  javascript: string;
  /** The cell as the user wrote it: a declared name that it does not hold is a helper of the emitter. */
  source: string;
  /** Names that earlier cells left. */
  known: ReadonlyMap<string, NameKind>;
  /** Names of the global scope; they mean the global unless a cell declared them. */
  globals: ReadonlySet<string>;
}

export interface NamesFound {
  /** What the cell declares at its top level. */
  declared: Map<string, NameKind>;
  /** Names of earlier cells that it reads or sets. */
  uses: string[];
  /** Those of them that it sets. */
  sets: string[];
  /** Names of other cells that stand inside functions: what they mean is looked up whenever the function runs. */
  later: string[];
  /** Code that stands before the cell's own: imported names, functions, and declarations that are hoisted. */
  prologue: string;
  imports: string[];
  /** What makes the text the user's own again. */
  restoring: Edits;
}

/**
 * Makes every name of the notebook a property of `exports`: declarations become assignments, and references, also from
 * inside functions, read the property, so that all cells share one live binding per name. An unknown name is looked up
 * when the code runs, since a later cell may declare it.
 */
export function rewriteNames(program: Program, context: NameContext): NamesFound {
  const { edits, known, source } = context;
  const manager = analyze(program as never, { ecmaVersion: 2025, sourceType: "module" });
  const globalScope = manager.globalScope as Scope;
  const declared = new Map<string, NameKind>();
  const references: Reference[] = [];
  for (const variable of globalScope.childScopes[0]!.variables) {
    if (!isWritten(variable.name, source)) continue;
    declared.set(variable.name, kindOf(variable));
    references.push(...variable.references);
  }
  const [uses, sets, later] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const reference of globalScope.through) {
    const { name } = reference.identifier as Identifier;
    if (!known.has(name) && (context.globals.has(name) || reserved.has(name))) continue;
    if (isWritten(name, source)) {
      uses.add(name);
      if (reference.isWrite()) sets.add(name);
      if (isInFunction(reference.from)) later.add(name);
    }
    references.push(reference);
  }
  const kinds = new Map([...known, ...declared]);
  const parents = parentsOf(program);
  const mentions = new Map<AnyNode, Mention>();
  for (const reference of references) {
    const node = reference.identifier as Identifier;
    mentions.set(node, mentionOf(reference, node, kinds, parents));
  }
  const { replaced, ...declarations } = rewriteDeclarations(program, declared, edits);
  const keeps = (name: string) => context.globals.has(name) && !kinds.has(name);
  const restoring = new Edits(context.javascript);
  for (const each of [edits, restoring]) restoreNames(globalScope.childScopes[0]!, { edits: each, source, keeps });
  localiseLoops(program, { edits, source, mentions, isDeclared: (name) => kinds.has(name) });
  for (const [node, mention] of mentions) {
    const isGone = replaced.size > 0 && replaced.has(statementOf(node, program, parents));
    if (!isGone) edits.replace(node.start, node.end, mentionText(mention));
  }
  return { declared, uses: [...uses], sets: [...sets], later: [...later], restoring, ...declarations };
}

/** Names that are never the notebook's: words of the language and what generated code is given. */
const reserved = new Set(["arguments", "undefined", "eval", "__kernel", "__load", "__meta", "exports", "require"]);

function isInFunction(scope: Scope): boolean {
  for (let at: Scope | null = scope; at; at = at.upper) if (at.type === "function") return true;
  return false;
}

function kindOf(variable: Variable): NameKind {
  const definition = variable.defs[0] as { type: string; parent?: { kind?: string } | null } | undefined;
  return definition?.type === "Variable" && definition.parent?.kind === "const" ? "constant" : "variable";
}

function parentsOf(program: Program): Map<AnyNode, AnyNode> {
  const parents = new Map<AnyNode, AnyNode>();
  const visit = (node: AnyNode): void => {
    for (const child of children(node)) {
      parents.set(child, node);
      visit(child);
    }
  };
  visit(program);
  return parents;
}

function statementOf(node: AnyNode, program: Program, parents: ReadonlyMap<AnyNode, AnyNode>): AnyNode {
  for (let at = node, parent = parents.get(at); ; at = parent, parent = parents.get(at)) {
    if (!parent || parent === program) return at;
  }
}

function mentionOf(
  reference: Reference,
  node: Identifier,
  kinds: ReadonlyMap<string, NameKind>,
  parents: ReadonlyMap<AnyNode, AnyNode>,
): Mention {
  const { name } = node;
  const isAssigned = reference.isWrite() && !(reference as { init?: boolean | null }).init;
  const kind = kinds.get(name);
  const refusal = !isAssigned ? undefined : kind === "constant" ? "constant" : kind ? undefined : "declared";
  const parent = parents.get(node);
  const property = parent?.type === "AssignmentPattern" && parent.left === node ? parents.get(parent) : parent;
  let place: Mention["place"] = "value";
  if (property?.type === "Property" && property.shorthand) place = "shorthand";
  else if (parent?.type === "CallExpression" && parent.callee === node) place = "callee";
  else if (parent?.type === "TaggedTemplateExpression" && parent.tag === node) place = "callee";
  else if (parent?.type === "UnaryExpression" && parent.operator === "typeof") place = "typeof";
  return { name, place, isSet: reference.isWrite(), isKnown: kind !== undefined, ...(refusal ? { refusal } : {}) };
}
