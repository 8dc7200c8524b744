import type { AnyNode, Program } from "acorn";
import type { Edits } from "./edits.ts";
import { busy, isCounted } from "./loops.ts";
import { children, type FunctionNode, isFunction, isLoop, isOwnScope, type LoopNode, some } from "./walk.ts";

const loopCheck = "if(__kernel.flag[0]!==0)__kernel.checkLoop();";

type Context = "cell" | "driven" | "native" | "sync";

interface Parts {
  edits: Edits;
  javascript: string;
}

/**
 * Makes code stoppable and its asynchronous functions driven:
 *
 * - loops look at the interrupt flag, but for counted ones that call nothing;
 * - an async function becomes one that hands a generator to `__kernel.async`, and `await x` becomes
 *   `__kernel.resumed(yield x)`: the kernel resumes it, so that an interrupt reaches whatever runs after an await;
 * - `import()` becomes `__load()` and `import.meta` becomes `__meta`.
 *
 * Async generators, and async methods that say `super`, stay as they are; their awaits are checked.
 *
 * @returns whether the program awaits outside of functions.
 */
export function lower(program: Program, parts: Parts): { isAsync: boolean } {
  const isAsync = program.body.some((node) => some(node, isAwait, isOwnScope));
  let loops = 0;
  const names = new Map<AnyNode, string>();

  const visit = (node: AnyNode, context: Context, labelled: AnyNode | undefined): void => {
    const { edits } = parts;
    if (isFunction(node)) {
      const inner = contextOf(node);
      const finish = inner === "driven" ? driveFunction(node, names.get(node), parts) : undefined;
      for (const child of children(node)) visit(child, inner, undefined);
      finish?.();
      return;
    }
    if (node.type === "AwaitExpression") {
      if (context === "native") {
        edits.open(node.start, "__kernel.checkAwait(");
        edits.close(node.end, ")");
      } else {
        edits.replace(node.start, node.start + "await".length, "__kernel.resumed(yield");
        edits.close(node.end, ")");
      }
    } else if (node.type === "ForOfStatement" && node.await) {
      if (context === "native") guardBody(node, "__kernel.checkAwait();", edits);
      else {
        const finish = lowerForAwait(node, labelled ?? node, ++loops, parts);
        for (const child of children(node)) visit(child, context, undefined);
        finish();
        return;
      }
    } else if (isLoop(node) && !isLeafLoop(node)) {
      guardBody(node, loopCheck, edits);
    } else if (node.type === "ImportExpression") {
      edits.replace(node.start, node.start + "import".length, "__load");
    } else if (node.type === "MetaProperty" && node.meta.name === "import") {
      edits.replace(node.start, node.end, "__meta");
    } else if ((node.type === "MethodDefinition" || node.type === "Property") && isFunction(node.value)) {
      if (isMethod(node) && contextOf(node.value) === "driven") dropAsync(node.start, parts);
    }
    const named = namedFunction(node);
    if (named) names.set(named.node, named.name);
    const label = node.type === "LabeledStatement" ? (labelled ?? node) : undefined;
    for (const child of children(node)) visit(child, isOwnScope(node) ? "sync" : context, label);
  };
  for (const node of program.body) visit(node, "cell", undefined);
  return { isAsync };
}

function isAwait(node: AnyNode): boolean {
  return node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await);
}

function contextOf(node: FunctionNode): Context {
  if (!node.async) return "sync";
  const saysSuper = children(node).some((child) =>
    some(
      child,
      ({ type }) => type === "Super" || type === "MetaProperty",
      (inner) => isFunction(inner) && inner.type !== "ArrowFunctionExpression",
    ),
  );
  return node.generator || saysSuper ? "native" : "driven";
}

function isMethod(node: Extract<AnyNode, { type: "MethodDefinition" | "Property" }>): boolean {
  return node.type === "MethodDefinition" || node.method;
}

/** Blanks the word `async` at the head of a function or method. */
function dropAsync(start: number, { edits, javascript }: Parts): void {
  const head = /^(?:static\s+)?async\b/.exec(javascript.slice(start, start + 100));
  if (head) edits.replace(start + head[0].length - "async".length, start + head[0].length, "");
}

/** @returns what is to be done once the function's inside has its changes. */
function driveFunction(node: FunctionNode, given: string | undefined, parts: Parts): () => void {
  const { edits, javascript } = parts;
  // A method's word stands before its name, outside of the function's own text.
  if (javascript.startsWith("async", node.start)) dropAsync(node.start, parts);
  const { body } = node;
  const isBlock = body.type === "BlockStatement";
  // A method of a literal gives the generator the function's name, for stack traces, without binding it.
  const name = "id" in node && node.id ? node.id.name : given;
  const [before, after] = name === undefined ? ["function*", ""] : [`({*${name}`, `}).${name}`];
  if (isBlock) edits.close(body.end - 1, `}${after})`);
  else edits.close(node.end, `)}${after})}`);
  return () => {
    const isArrow = node.type === "ArrowFunctionExpression";
    const isSimple = node.params.every(({ type }) => type === "Identifier");
    const start = node.params[0]?.start ?? 0;
    const end = node.params.at(-1)?.end ?? 0;
    // What parameters compute must fail as a rejection: then the generator has the parameters.
    const parameters = isSimple ? "" : edits.take(start, end);
    if (!isSimple) edits.replace(start, end, isArrow ? "...$args" : "");
    const args = !isArrow || (isSimple && saysArguments(node)) ? "arguments" : isSimple ? "null" : "$args";
    const head = `return __kernel.async(this,${args},${before}(${parameters}){`;
    if (isBlock) edits.open(body.start + 1, head);
    else edits.open(javascript.indexOf("=>", end || node.start) + 2, `{${head}return (`);
  };
}

/** The function that takes its name from where it stands. */
function namedFunction(node: AnyNode): { node: AnyNode; name: string } | undefined {
  const [at, value] =
    node.type === "VariableDeclarator"
      ? [node.id, node.init]
      : node.type === "MethodDefinition" || node.type === "Property" || node.type === "PropertyDefinition"
        ? [node.computed ? undefined : node.key, node.value]
        : [];
  if (!value || !isFunction(value)) return undefined;
  return at?.type === "Identifier" || at?.type === "PrivateIdentifier" ? { node: value, name: at.name } : undefined;
}

function saysArguments(node: FunctionNode): boolean {
  return some(
    node.body,
    (inner) => inner.type === "Identifier" && inner.name === "arguments",
    (inner) => isFunction(inner) && inner.type !== "ArrowFunctionExpression",
  );
}

/**
 * `for await (x of xs) body` as a loop over the steps that the kernel's iteration gives:
 * `{const s=__kernel.iteration();try{for(s.open(xs);s.has(__kernel.resumed(yield s.next()));){x=s.value;body}}...}`.
 *
 * @returns what is to be done once the loop's inside has its changes.
 */
function lowerForAwait(
  node: Extract<LoopNode, { type: "ForOfStatement" }>,
  whole: AnyNode,
  number: number,
  { edits }: Parts,
): () => void {
  const steps = `$steps${number}`;
  edits.close(
    whole.end,
    `}catch($error){throw ${steps}.failed($error)}finally{if(${steps}.isOpen)__kernel.resumed(yield ${steps}.close())}}`,
  );
  edits.close(node.body.end, "}");
  return () => {
    const left = edits.take(node.left.start, node.left.end);
    const bind = /^(?:const|let|var)\b/.test(left) ? `${left}=${steps}.value` : `(${left}=${steps}.value)`;
    edits.open(whole.start, `{const ${steps}=__kernel.iteration();try{`);
    edits.replace(node.start, node.right.start, `for(${steps}.open(`);
    edits.replace(node.right.end, node.body.start, `);${steps}.has(__kernel.resumed(yield ${steps}.next()));)`);
    edits.open(node.body.start, `{${loopCheck}${bind};`);
  };
}

function guardBody(loop: LoopNode, check: string, edits: Edits): void {
  const { body } = loop;
  if (body.type === "BlockStatement") {
    edits.open(body.start + 1, check);
  } else {
    edits.open(body.start, `{${check}`);
    edits.close(body.end, "}");
  }
}

/** True for a counted loop that calls nothing and holds no other loop: it ends by itself, so it stays at full speed. */
function isLeafLoop(loop: LoopNode): boolean {
  if (!isCounted(loop)) return false;
  return !children(loop).some((child) => some(child, (node) => busy.has(node.type) || isLoop(node)));
}
