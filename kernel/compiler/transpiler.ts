import type { Completeness, Conversion, ConvertedCell, Problem } from "./cellCompiler.ts";
import { CellSyntaxError } from "./cellDeclarations.ts";
import { indentAfter } from "./indent.ts";
import { LocalModuleError, LocalModules } from "./localModules.ts";
import type { NameKind } from "./names.ts";
import { parsePlain } from "./plain.ts";
import { lookUp } from "./positions.ts";
import { rewriteCell } from "./rewrite.ts";
import { strip } from "./strip.ts";

/** What every cell finds in its scope besides the global scope of Node.js. */
const cellGlobals = ["display", "input", "module", "__filename", "__dirname"];
const globals: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(globalThis), ...cellGlobals]);

/**
 * The quick half of the default compiler: cells become JavaScript without a look at their types. It knows which names
 * earlier cells left, and nothing of what they are.
 */
export class Transpiler {
  readonly #known = new Map<string, NameKind>();
  readonly #pending = new Map<number, Map<string, NameKind>>();
  readonly #locals = new LocalModules();
  #last = 0;

  async convert(code: string): Promise<Conversion> {
    const folder = process.cwd();
    const plain = parsePlain(code);
    const stripped = plain ? { ok: true as const, javascript: code, ...plain } : await strip(code, { folder });
    if (!stripped.ok) return { ok: false, problems: [stripped.problem] };
    try {
      const context = { source: code, known: this.#known, globals };
      const { cell, declared } = rewriteCell(stripped.javascript, stripped.positions, context, plain?.program);
      const sideModules = await this.#locals.collect([...cell.imports, ...literalLoads(code)], folder);
      const token = ++this.#last;
      this.#pending.set(token, declared);
      return { ok: true, cell: { ...cell, sideModules } satisfies ConvertedCell, token };
    } catch (error) {
      return { ok: false, problems: [problemOf(error, stripped)] };
    }
  }

  commit(token: number, defined: readonly string[]): void {
    const declared = this.#pending.get(token);
    this.#pending.delete(token);
    for (const name of defined) this.#known.set(name, declared?.get(name) ?? "variable");
  }

  async isComplete(code: string): Promise<Completeness> {
    if (parsePlain(code)) return { status: "complete" };
    const stripped = await strip(code, { folder: process.cwd() });
    if (stripped.ok) return { status: "complete" };
    return stripped.isAtEnd ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
  }

  /** Names that cells of another compiler left. */
  adopt(names: readonly string[]): void {
    for (const name of names) if (!this.#known.has(name)) this.#known.set(name, "variable");
  }

  reset(): void {
    this.#known.clear();
    this.#pending.clear();
    this.#locals.reset();
  }
}

/** Specifiers of `import("./file.ts")`. */
function literalLoads(code: string): string[] {
  return [...code.matchAll(/\bimport\s*\(\s*(["'])(\.{0,2}\/[^"'\n]+)\1\s*\)/g)].map((match) => match[2]!);
}

function problemOf(
  error: unknown,
  { javascript, positions }: { javascript: string; positions: readonly (readonly number[])[] },
): Problem {
  if (error instanceof LocalModuleError) return error.problem;
  const offset = error instanceof CellSyntaxError ? error.offset : (error as { pos?: number }).pos;
  if (offset === undefined) throw error;
  const before = javascript.slice(0, offset);
  const line = before.split("\n").length - 1;
  const place = lookUp(positions, line, offset - (before.lastIndexOf("\n") + 1)) ?? { line: 0, column: 0 };
  const message = (error as Error).message.replace(/ \(\d+:\d+\)$/, "");
  return { start: place, end: { line: place.line, column: place.column + 1 }, message };
}
