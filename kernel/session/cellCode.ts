import type { CellFunctions, ConvertedCell } from "../compiler/cellCompiler.ts";
import type { ModuleFile, ModuleFiles } from "./moduleFiles.ts";
import type { Names } from "./names.ts";

/** Older cells are forgotten: their functions are known as they run. */
const rememberedCells = 500;

/** Where a name of the notebook was imported from: the module as the cell calls it, and the user's files behind it. */
interface Imported {
  readonly module: string;
  readonly files?: readonly ModuleFile[];
}

/** What cells look like to whoever records the code of a function: as the user wrote them, types aside. */
export class CellCode {
  readonly #names: Names;
  readonly #cells = new Set<CellFunctions & { javascript: string }>();
  readonly #imported = new Map<string, Imported>();
  readonly #files: ModuleFiles;

  constructor(names: Names, files: ModuleFiles) {
    this.#names = names;
    this.#files = files;
  }

  /** Takes a cell before it runs. */
  add({ javascript, functions, names, imported = {} }: ConvertedCell): void {
    for (const name of names) this.#imported.delete(name);
    for (const [name, module] of Object.entries(imported)) {
      // As they are now: what the name stands for stays, also when a file changes later.
      const files = this.#files.of(module);
      this.#imported.set(name, { module, ...(files && { files }) });
    }
    if (!functions) return;
    this.#cells.add({ javascript, ...functions });
    if (this.#cells.size > rememberedCells) this.#cells.delete(this.#cells.values().next().value!);
  }

  /** A function as its cell has it; undefined for one of no cell. */
  codeOf = (fn: object): string | undefined => {
    const text = Function.prototype.toString.call(fn);
    for (const cell of [...this.#cells].reverse()) {
      for (let at = cell.javascript.indexOf(text); at >= 0; at = cell.javascript.indexOf(text, at + 1)) {
        const found = pieceAt(cell, at);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };

  /** What a name of the notebook stands for now. */
  nameOf = (name: string): ({ value: unknown } & Partial<Imported>) | undefined => {
    const { values } = this.#names;
    return Object.hasOwn(values, name) ? { value: values[name], ...this.#imported.get(name) } : undefined;
  };
}

/** The piece of the user's text whose changed text begins at an offset. */
function pieceAt({ javascript, texts, marks }: CellFunctions & { javascript: string }, at: number): string | undefined {
  const lineStart = javascript.lastIndexOf("\n", at - 1) + 1;
  const line = javascript.slice(0, lineStart).split("\n").length - 1;
  const triples = marks[line] ?? [];
  for (let i = 0; i < triples.length; i += 3) {
    const column = triples[i]!;
    // The kernel takes the word "async" away, and leaves what stood behind it.
    const between = javascript.slice(lineStart + column, at);
    if (lineStart + column <= at && !between.trim()) return texts[triples[i + 1]!];
  }
  return undefined;
}
