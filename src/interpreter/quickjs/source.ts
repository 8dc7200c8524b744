import { type Node, type Program, parse } from "acorn";

/** Name of the function that notes promises of top-level calls; see {@link prepareSource}. */
export const watchName = "$watch$";

/** A snippet made ready for QuickJS: same lines, some columns moved. */
export interface PreparedSource {
  code: string;
  /** The last statement is an expression, so that its value is the snippet's. */
  endsInExpression: boolean;
}

/** What the snippet's text must have for a rejected promise to be possible. */
const mayReject = /\basync\b|\bPromise\b/;

function parsed(code: string, sourceType: "script" | "module"): Program | undefined {
  try {
    return parse(code, {
      ecmaVersion: "latest",
      sourceType,
      allowAwaitOutsideFunction: true,
      allowHashBang: true,
      locations: true,
    });
  } catch {
    return undefined;
  }
}

/**
 * - Top-level calls are watched, so that `main();` of a rejecting `async function main` is an error as in Node.
 * - In a session, top-level `let`, `const` and `class` become `var`, so that a later cell may declare the name again.
 *
 * A snippet that does not parse stays as it is: QuickJS says what is wrong with it.
 */
export function prepareSource(code: string, { session, value }: { session: boolean; value: boolean }): PreparedSource {
  const unchanged = { code, endsInExpression: false };
  if (!session && !value && !mayReject.test(code)) return unchanged;
  const program = parsed(code, "script");
  if (!program) return unchanged;
  const edits: { at: number; remove: number; insert: string }[] = [];
  for (const statement of program.body) {
    if (statement.type === "ExpressionStatement" && statement.expression.type === "CallExpression") {
      edits.push({ at: statement.expression.start, remove: 0, insert: `${watchName}(` });
      edits.push({ at: statement.expression.end, remove: 0, insert: ")" });
    } else if (session && statement.type === "VariableDeclaration" && /^(?:let|const)$/.test(statement.kind)) {
      edits.push({ at: statement.start, remove: statement.kind.length, insert: "var".padEnd(statement.kind.length) });
    } else if (session && statement.type === "ClassDeclaration") {
      edits.push({ at: statement.start, remove: 0, insert: `var ${statement.id.name}=` });
      edits.push({ at: statement.end, remove: 0, insert: ";" });
    }
  }
  let text = code;
  for (const { at, remove, insert } of edits.reverse()) text = text.slice(0, at) + insert + text.slice(at + remove);
  return { code: text, endsInExpression: program.body.at(-1)?.type === "ExpressionStatement" };
}

/** The line of the first `import` or `export` of a text that is a module; undefined where it is none. */
export function moduleLine(code: string): number | undefined {
  const isModuleSyntax = ({ type }: Node): boolean => /^(?:Import|Export)/.test(type) && type !== "ImportExpression";
  return parsed(code, "module")?.body.find(isModuleSyntax)?.loc?.start.line;
}
