import { randomUUID } from "node:crypto";
import { parse } from "acorn";
import { transformSync } from "esbuild";
import { namesOf } from "../compiler/walk.ts";
import { parseMagics } from "../front/magics.ts";
import { type Notebook, type NotebookCell, NotebookError, tagsOf } from "./format.ts";

/** Reads `name=value`: values are JSON where they can be (numbers, true, lists, ...), else text. */
export function parseParameter(text: string): [name: string, value: unknown] {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  if (at < 1 || !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
    throw new NotebookError(`"${text}" is no parameter: write -p name=value.`);
  }
  const value = text.slice(at + 1);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

/**
 * Names that a cell declares with `let` (or `var`) at its top level, and those it declares with `const`.
 *
 * @throws NotebookError when the cell is no TypeScript.
 */
function declaredNames(source: string): { assignable: Set<string>; constant: Set<string> } {
  const names = { assignable: new Set<string>(), constant: new Set<string>() };
  for (const statement of parse(withoutTypes(source), { ecmaVersion: "latest", sourceType: "module" }).body) {
    if (statement.type !== "VariableDeclaration") continue;
    const found = names[statement.kind === "const" ? "constant" : "assignable"];
    for (const { id } of statement.declarations) for (const name of namesOf(id)) found.add(name);
  }
  return names;
}

function withoutTypes(source: string): string {
  try {
    return transformSync(parseMagics(source).code, {
      loader: "ts",
      target: "es2022",
      logLevel: "silent",
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    }).code;
  } catch (error) {
    const [first] = (error as { errors?: { text: string; location: { line: number } | null }[] }).errors ?? [];
    const why = first ? `line ${first.location?.line ?? "?"}: ${first.text}` : (error as Error).message;
    throw new NotebookError(`The cell tagged "parameters" cannot be read: ${why}`);
  }
}

/**
 * Adds a cell tagged `injected-parameters` that assigns the given values right after the cell tagged `parameters`
 * (papermill's convention); one from an earlier run is replaced.
 *
 * @throws NotebookError when the parameters cell is no TypeScript, does not declare a name, or declares it as a constant.
 */
export function injectParameters(notebook: Notebook, parameters: ReadonlyMap<string, unknown>): void {
  notebook.cells = notebook.cells.filter((cell) => !tagsOf(cell).includes("injected-parameters"));
  if (parameters.size === 0) return;
  const at = notebook.cells.findIndex((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
  const declaring = notebook.cells[at];
  if (!declaring) {
    throw new NotebookError('The notebook takes no parameters: none of its code cells has the tag "parameters".');
  }
  const { assignable, constant } = declaredNames(declaring.source);
  for (const name of parameters.keys()) {
    if (constant.has(name)) {
      throw new NotebookError(`The parameter "${name}" is declared with const and cannot be set: declare it with let.`);
    }
    if (!assignable.has(name)) {
      throw new NotebookError(
        `Unknown parameter "${name}". The notebook declares: ${[...assignable].join(", ") || "none"}.`,
      );
    }
  }
  const injected: NotebookCell = {
    id: randomUUID().slice(0, 8),
    cell_type: "code",
    metadata: { tags: ["injected-parameters"] },
    source: ["// Parameters", ...[...parameters].map(([name, value]) => `${name} = ${JSON.stringify(value)};`)].join(
      "\n",
    ),
    outputs: [],
    execution_count: null,
  };
  notebook.cells.splice(at + 1, 0, injected);
}
