import ts from "typescript";
import type { Completion, Inspection, Problem } from "../cellCompiler.ts";
import { type DeclaredName, declaredNames, exportedNames, mentionedNames } from "./cellNames.ts";
import { completeAt } from "./completion.ts";
import { inspectAt } from "./inspection.ts";
import { type CellFile, CellProgram } from "./virtualFiles.ts";

/** So many cells may wait for their check. */
const maxUnchecked = 1000;

interface OpenCell extends CellFile {
  names: Map<string, DeclaredName>;
}

interface Declared extends DeclaredName {
  path: string;
}

/**
 * The thorough half of the default compiler: types of all cells, on TypeScript's language service. Each cell is a
 * module that exports its names; a later cell imports those that it mentions. A variable comes in as
 * `declare let x: typeof import("./cell").x`, so that it can be assigned to.
 */
export class TypeService {
  readonly #program = new CellProgram();
  readonly #scope = new Map<string, Declared>();
  /** Cells that run. */
  readonly #open = new Map<number, OpenCell>();
  /** Cells that were not checked yet. */
  readonly #begun = new Map<number, CellFile & { isUnused?: boolean }>();
  /** Names of another compiler's cells: their types are not known. */
  readonly #foreign = new Set<string>();
  #count = 0;

  /** Takes note of a cell that is about to run under `token`. */
  begin(token: number, code: string): void {
    const cell = this.#write(this.#program.path(`cell-${++this.#count}`), code);
    this.#begun.set(token, cell);
    // Not every cell is checked.
    if (this.#begun.size > maxUnchecked) this.#begun.delete(this.#begun.keys().next().value!);
    this.#open.set(token, { ...cell, names: declaredNames(ts, this.#parse(code).statements) });
  }

  /** What TypeScript finds wrong with a cell that was begun. */
  check(token: number): Problem[] {
    const cell = this.#begun.get(token);
    if (!cell) return [];
    this.#begun.delete(token);
    this.#program.show(cell.path);
    const { service } = this.#program;
    const found = [...service.getSyntacticDiagnostics(cell.path), ...service.getSemanticDiagnostics(cell.path)];
    if (cell.isUnused) this.#program.delete(cell.path);
    return found.flatMap((diagnostic) => problemOf(diagnostic, cell));
  }

  /** The cell has run and set `defined`; its types count in any case. */
  commit(token: number, defined: readonly string[]): void {
    const cell = this.#open.get(token);
    if (!cell) return;
    this.#open.delete(token);
    const set = new Set(defined);
    let isUsed = false;
    for (const [name, declared] of cell.names) {
      if (declared.use !== "type" && !set.has(name)) continue;
      this.#scope.set(name, { path: cell.path, ...declared });
      this.#foreign.delete(name);
      isUsed = true;
    }
    if (isUsed) return;
    const unchecked = this.#begun.get(token);
    if (unchecked) unchecked.isUnused = true;
    else this.#program.delete(cell.path);
  }

  /** @param offset place in `code`, in UTF-16 units. */
  complete(code: string, offset: number): Completion {
    const names = [...this.#visible()].map(([text, { kind }]) => ({ text, type: kind }));
    for (const text of this.#foreign) names.push({ text, type: "let" });
    return completeAt(this.#program.service, this.#probe(code), offset, names);
  }

  inspect(code: string, offset: number, detailed: boolean): Inspection | undefined {
    return inspectAt(this.#program.service, this.#probe(code), offset, detailed);
  }

  /** Names whose values another compiler's cells left. */
  adopt(names: readonly string[]): void {
    for (const name of names) if (!this.#scope.has(name)) this.#foreign.add(name);
  }

  reset(): void {
    this.#scope.clear();
    this.#open.clear();
    this.#begun.clear();
    this.#foreign.clear();
    this.#program.reset();
  }

  /** The cell that is being written. */
  #probe(code: string): CellFile {
    const cell = this.#write(this.#program.path("cell-draft"), code);
    this.#program.show(cell.path);
    return cell;
  }

  #write(path: string, code: string): CellFile {
    const file = this.#parse(code);
    const prelude = this.#prelude(file);
    const exported = exportedNames(ts, file);
    const names = [...declaredNames(ts, file.statements).keys()].filter((name) => !exported.has(name));
    this.#program.write(path, `${prelude}\n${code}\nexport { ${names.join(", ")} };`);
    return { path, code, offset: prelude.length + 1 };
  }

  /** Names of the notebook. Cells that run now count as if they had ended. */
  #visible(): Map<string, Declared> {
    const scope = new Map(this.#scope);
    for (const { names, path } of this.#open.values()) {
      for (const [name, declared] of names) scope.set(name, { path, ...declared });
    }
    return scope;
  }

  /** Brings in what the cell mentions. */
  #prelude(file: ts.SourceFile): string {
    const own = declaredNames(ts, file.statements);
    const scope = this.#visible();
    const pieces: string[] = [];
    for (const name of mentionedNames(ts, file)) {
      if (own.has(name)) continue;
      const declared = scope.get(name);
      if (!declared) {
        if (this.#foreign.has(name)) pieces.push(`declare let ${name}: any;`);
        continue;
      }
      const from = JSON.stringify(`./${declared.path.slice(declared.path.lastIndexOf("/") + 1)}`);
      pieces.push(
        declared.use === "variable"
          ? `declare let ${name}: typeof import(${from}).${name};`
          : `import { ${name} } from ${from};`,
      );
    }
    return pieces.join(" ");
  }

  #parse(code: string): ts.SourceFile {
    const kind = this.#program.isJsx ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
    return ts.createSourceFile("cell.tsx", code, ts.ScriptTarget.Latest, false, kind);
  }
}

function problemOf(diagnostic: ts.Diagnostic, cell: CellFile): Problem[] {
  const { start, length = 0, messageText, code, file } = diagnostic;
  if (start === undefined || !file) return [];
  const from = start - cell.offset;
  // What the frame's own lines cause is no fault of the cell.
  if (from < 0 || from > cell.code.length) return [];
  const place = (at: number) => {
    const before = cell.code.slice(0, at);
    const line = before.split("\n").length - 1;
    return { line, column: at - (before.lastIndexOf("\n") + 1) };
  };
  return [
    {
      start: place(from),
      end: place(Math.min(from + length, cell.code.length)),
      message: ts.flattenDiagnosticMessageText(messageText, "\n"),
      code,
    },
  ];
}
