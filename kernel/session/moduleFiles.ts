import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import type { SideModule } from "../compiler/cellCompiler.ts";
import { localCandidates } from "../compiler/localPaths.ts";

/** One of the user's own files: its path from the notebook's folder, and the SHA-256 of its text. */
export interface ModuleFile {
  readonly path: string;
  readonly sha256: string;
}

/** What the user's own modules were compiled from. */
export class ModuleFiles {
  readonly #known = new Map<string, SideModule>();

  /** Takes what was compiled anew. */
  add(modules: readonly SideModule[]): void {
    for (const module of modules) this.#known.set(module.path, module);
  }

  /**
   * The files that a cell's import of `specifier` draws in, its own and those that it imports in turn, by their paths.
   * Undefined for packages, and where it is not known.
   */
  of(specifier: string): ModuleFile[] | undefined {
    const found = new Map<string, string>();
    const visit = (specifier: string, folder: string): void => {
      const candidates = localCandidates(specifier, folder);
      const module = candidates.map((path) => this.#known.get(path)).find((one) => one?.origin);
      const path = module?.path ?? candidates.find((one) => one.endsWith(".json") && existsSync(one));
      if (path === undefined || found.has(path)) return;
      found.set(path, module?.origin?.sha256 ?? createHash("sha256").update(readFileSync(path)).digest("hex"));
      for (const inner of [...(module?.origin?.locals ?? []), ...(module?.imports ?? [])]) visit(inner, dirname(path));
    };
    visit(specifier, process.cwd());
    const files = [...found].map(([path, sha256]) => ({
      path: relative(process.cwd(), path).replaceAll(sep, "/"),
      sha256,
    }));
    return files.length ? files.sort((a, b) => (a.path < b.path ? -1 : 1)) : undefined;
  }
}
