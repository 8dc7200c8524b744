import type { AnyNode, Program } from "acorn";
import type { Edits } from "./edits.ts";
import type { Mention } from "./mentions.ts";
import { children, isFunction, isLoop, some } from "./walk.ts";

/**
 * Inside a loop that runs no other code, names of the notebook are local variables: nobody else can see the
 * difference, and V8 keeps them in registers. What the loop set is written back when it ends, also by an exception.
 */
export function localiseLoops(
  program: Program,
  context: {
    edits: Edits;
    source: string;
    mentions: ReadonlyMap<AnyNode, Mention>;
    /** Whether the name has a value of its own by then: reading it early must not throw. */
    isDeclared: (name: string) => boolean;
  },
): void {
  const { edits, source, mentions, isDeclared } = context;
  const visit = (node: AnyNode, labelled: AnyNode | undefined): void => {
    if (isLoop(node) && !some(node, runsOtherCode)) {
      localise(node, labelled ?? node);
      return;
    }
    const label = node.type === "LabeledStatement" ? (labelled ?? node) : undefined;
    for (const child of children(node)) visit(child, label);
  };
  const localise = (loop: AnyNode, whole: AnyNode): void => {
    const locals = new Map<string, string>();
    const set = new Set<string>();
    const inside = (node: AnyNode): void => {
      const mention = mentions.get(node);
      if (mention && !mention.refusal && isDeclared(mention.name)) {
        const local = `$${mention.name}`;
        if (!source.includes(local)) {
          mention.local = local;
          locals.set(mention.name, local);
          if (mention.isSet) set.add(mention.name);
        }
      }
      for (const child of children(node)) inside(child);
    };
    inside(loop);
    if (locals.size === 0) return;
    const list = [...locals].map(([name, local]) => `${local}=exports.${name}`).join(",");
    const back = [...set].map((name) => `exports.${name}=${locals.get(name)};`).join("");
    edits.open(whole.start, back ? `{let ${list};try{` : `{const ${list};`);
    edits.close(whole.end, back ? `}finally{${back}}}` : "}");
  };
  visit(program, undefined);
}

/** Nodes that may run code from elsewhere, which could look at the names: calls, and whatever iterates. */
const foreign = new Set([
  "NewExpression",
  "AwaitExpression",
  "YieldExpression",
  "TaggedTemplateExpression",
  "ImportExpression",
  "ForOfStatement",
  "SpreadElement",
  "ArrayPattern",
  "ClassExpression",
  "ClassDeclaration",
]);

function runsOtherCode(node: AnyNode): boolean {
  return foreign.has(node.type) || isFunction(node) || (node.type === "CallExpression" && !isArithmetic(node));
}

/** `Math.sqrt(x)` and its like. */
function isArithmetic({ callee }: Extract<AnyNode, { type: "CallExpression" }>): boolean {
  return callee.type === "MemberExpression" && callee.object.type === "Identifier" && callee.object.name === "Math";
}
