import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, extname } from "node:path";
import type { Problem, SideModule } from "./cellCompiler.ts";
import { Edits } from "./edits.ts";
import { localCandidates, scriptExtensions } from "./localPaths.ts";
import { lower } from "./lowering.ts";
import { parseModule } from "./rewrite.ts";
import { requiredSpecifiers } from "./specifiers.ts";
import { strip } from "./strip.ts";

/** A file of the user's own cannot be used. */
export class LocalModuleError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** The script file that a specifier means from `folder`; undefined for packages and data. */
function resolveLocal(specifier: string, folder: string): string | undefined {
  const found = localCandidates(specifier, folder).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  return found && scriptExtensions.includes(extname(found)) ? found : undefined;
}

interface Compiled extends SideModule {
  modifiedMs: number;
  origin: NonNullable<SideModule["origin"]>;
}

/** The user's own script files that cells import, compiled when they are new or have changed. */
export class LocalModules {
  readonly #compiled = new Map<string, Compiled>();
  readonly #sent = new Map<string, Compiled>();

  /** Compiles what `specifiers` mean, with all that they import; returns those that the session has not got yet. */
  async collect(specifiers: readonly string[], folder: string): Promise<SideModule[]> {
    const wanted = new Map<string, Compiled>();
    const visit = async (path: string): Promise<void> => {
      if (wanted.has(path)) return;
      const compiled = await this.#compile(path);
      wanted.set(path, compiled);
      for (const local of compiled.origin.locals) await visit(local);
    };
    for (const specifier of specifiers) {
      const path = resolveLocal(specifier, folder);
      if (path) await visit(path);
    }
    const fresh = [...wanted.values()].filter((compiled) => this.#sent.get(compiled.path) !== compiled);
    for (const compiled of fresh) this.#sent.set(compiled.path, compiled);
    return fresh.map(({ modifiedMs: _, ...module }) => module);
  }

  /** The session that had them is gone. */
  reset(): void {
    this.#sent.clear();
  }

  async #compile(path: string): Promise<Compiled> {
    const { mtimeMs } = statSync(path);
    const known = this.#compiled.get(path);
    if (known?.modifiedMs === mtimeMs) return known;
    const isJavaScript = /\.[mc]?jsx?$/.test(path);
    const source = readFileSync(path, "utf8");
    const stripped = await strip(source, {
      folder: dirname(path),
      asJsx: path.endsWith("x"),
      format: "cjs",
      isJavaScript,
    });
    if (!stripped.ok) throw new LocalModuleError({ ...stripped.problem, file: path });
    const program = parseModule(stripped.javascript);
    const edits = new Edits(stripped.javascript);
    lower(program, { edits, javascript: stripped.javascript });
    const { text, positions } = edits.apply(stripped.positions);
    const specifiers = requiredSpecifiers(program);
    const locals = specifiers.map((specifier) => resolveLocal(specifier, dirname(path)));
    const compiled: Compiled = {
      path,
      javascript: text,
      positions,
      imports: specifiers.filter((_, i) => locals[i] === undefined),
      origin: {
        sha256: createHash("sha256").update(source).digest("hex"),
        locals: locals.filter((local) => local !== undefined),
      },
      modifiedMs: mtimeMs,
    };
    this.#compiled.set(path, compiled);
    return compiled;
  }
}
