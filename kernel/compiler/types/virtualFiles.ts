import { statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { packageRoot } from "../../package.ts";
import { globalsText } from "../cellGlobals.ts";
import { compilerOptions } from "./options.ts";

/** What the session adds to the global scope of cells, as a file of declarations. */
const globalsFile = join(packageRoot, "dist", "kernel", "cell-globals.d.ts").replaceAll("\\", "/");

/** A cell as TypeScript sees it: one line that brings in what it uses, the cell itself, and its exports. */
export interface CellFile {
  path: string;
  /** Length of what stands before the cell's own text. */
  offset: number;
  code: string;
}

/** TypeScript's language service over cells, which exist in memory only, and the files that they import. */
export class CellProgram {
  readonly service: ts.LanguageService;
  readonly #texts = new Map<string, { version: number; text: string }>();
  #root: string | undefined;
  #folder = process.cwd();
  #options = compilerOptions(this.#folder);

  constructor() {
    this.#texts.set(globalsFile, { version: 1, text: globalsText });
    const exists = (path: string) => this.#texts.has(path) || ts.sys.fileExists(path);
    const read = (path: string, encoding?: string) => this.#texts.get(path)?.text ?? ts.sys.readFile(path, encoding);
    this.service = ts.createLanguageService(
      {
        getScriptFileNames: () => (this.#root ? [this.#root, globalsFile] : [globalsFile]),
        getScriptVersion: (path) => this.#version(path),
        getScriptSnapshot: (path) => {
          const text = read(path);
          return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
        },
        getCurrentDirectory: () => this.#folder,
        getCompilationSettings: () => this.#options,
        getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
        useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
        fileExists: exists,
        readFile: read,
        readDirectory: ts.sys.readDirectory,
        directoryExists: ts.sys.directoryExists,
        getDirectories: ts.sys.getDirectories,
      },
      ts.createDocumentRegistry(ts.sys.useCaseSensitiveFileNames, this.#folder),
    );
  }

  /** Whether cells are JSX: where the notebook's tsconfig.json says how. */
  get isJsx(): boolean {
    return this.#options.jsx !== undefined;
  }

  /** The path that a cell has for TypeScript: in the notebook's folder, so that its imports are found from there. */
  path(name: string): string {
    return `${this.#folder.replaceAll("\\", "/")}/.${name}.${this.isJsx ? "tsx" : "ts"}`;
  }

  /** Sets a cell's text. */
  write(path: string, text: string): void {
    const known = this.#texts.get(path);
    if (known?.text !== text) this.#texts.set(path, { version: (known?.version ?? 0) + 1, text });
  }

  /** Forgets a cell that no other one can mention. */
  delete(path: string): void {
    this.#texts.delete(path);
  }

  /** Makes a cell the program's root. */
  show(path: string): void {
    this.#root = path;
  }

  /** Forgets all cells; the folder may be another one from now on. */
  reset(): void {
    for (const path of [...this.#texts.keys()]) if (path !== globalsFile) this.#texts.delete(path);
    this.#root = undefined;
    this.#folder = process.cwd();
    this.#options = compilerOptions(this.#folder);
  }

  /** Libraries do not change under a running kernel; the user's own files do. */
  #version(path: string): string {
    const own = this.#texts.get(path);
    if (own) return String(own.version);
    if (path.includes("/node_modules/") || path.startsWith(packageRoot)) return "1";
    return String(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }
}
