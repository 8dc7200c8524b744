import { createRequire } from "node:module";
import { join } from "node:path";
import type * as TypeScript from "typescript";
import { packageRoot } from "../../package.ts";
import { globalsText } from "../cellGlobals.ts";
import { nodeTypesFolder } from "../nodeTypes.ts";
import { mendEarlierNames } from "./earlierNames.ts";

/** The parts of tslab's converter that the compiler uses. */
export interface TslabConverter {
  convert(
    previousDeclarations: string,
    source: string,
  ): {
    output?: string;
    declOutput?: string;
    diagnostics: TslabDiagnostic[];
    lastExpressionVar?: string;
    sideOutputs?: { path: string; data: string }[];
  };
  inspect(previousDeclarations: string, source: string, position: number): TypeScript.QuickInfo | undefined;
  complete(
    previousDeclarations: string,
    source: string,
    position: number,
  ): { start: number; end: number; candidates: string[]; original?: TypeScript.CompletionInfo };
  close(): void;
}

export interface TslabDiagnostic {
  start: { line: number; character: number };
  end: { line: number; character: number };
  messageText: string;
  code: number;
  fileName?: string;
}

interface WatchHost {
  afterProgramCreate?: (builder: TypeScript.BuilderProgram) => void;
}

/** One call of `transpileModule` that the converter made: what went in and the map of what came out. */
export interface Transpiled {
  input: string;
  mappings: string;
}

export interface TslabTypeScript {
  ts: typeof TypeScript;
  createConverter(): TslabConverter;
  /** The last module that a converter made into CommonJS. */
  takeTranspiled(): Transpiled | undefined;
}

const dynamicImport = /\bimport(?=\s*\()/;

/** `import(...)` to `__load(...)`, of the same length so that no position moves; strings and comments are left. */
function replaceDynamicImports(ts: typeof TypeScript, javascript: string): string {
  if (!dynamicImport.test(javascript)) return javascript;
  const file = ts.createSourceFile("cell.js", javascript, ts.ScriptTarget.ESNext, false, ts.ScriptKind.JS);
  const starts: number[] = [];
  const visit = (node: TypeScript.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      starts.push(node.expression.getStart(file));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return starts.reduce((text, at) => `${text.slice(0, at)}__load${text.slice(at + 6)}`, javascript);
}

/**
 * Loads tslab's converter with its TypeScript, set up for this kernel. The converter fixes its compiler options inside,
 * so its TypeScript is handed to it with two functions wrapped: one sets the options (source maps, `exports` maps of
 * packages, types of Node only, where `cirlab` is), the other records source maps and keeps `import()` dynamic.
 */
export function loadTslab(): TslabTypeScript {
  const require = createRequire(import.meta.url);
  const tslabRequire = createRequire(require.resolve("tslab"));
  const tsPath = tslabRequire.resolve("@tslab/typescript-for-tslab");
  const ts = tslabRequire(tsPath) as typeof TypeScript;
  limitWatching(ts);
  declareGlobals(ts);
  let transpiled: Transpiled | undefined;

  const overrides: Partial<typeof TypeScript> = {
    createWatchCompilerHost: ((files: string[], options: TypeScript.CompilerOptions, ...rest: unknown[]) => {
      Object.assign(options, {
        inlineSourceMap: true,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        allowImportingTsExtensions: true,
        lib: ["lib.es2023.d.ts"],
        types: ["node"],
        typeRoots: [nodeTypesFolder()],
        paths: {
          cirlab: [join(packageRoot, "dist", "src", "index.d.ts")],
          "cirlab/kernel": [join(packageRoot, "dist", "kernel", "api", "index.d.ts")],
        },
      });
      const create = ts.createWatchCompilerHost as unknown as (...args: unknown[]) => unknown;
      const host = create([...files, globalsFile], options, ...rest) as WatchHost;
      // The converter sets this hook to learn of each new program; the program is mended before it sees it.
      let hook: WatchHost["afterProgramCreate"];
      Object.defineProperty(host, "afterProgramCreate", {
        get: () => hook,
        set: (seen: NonNullable<typeof hook>) => {
          hook = (builder) => {
            mendEarlierNames(ts, builder);
            seen(builder);
          };
        },
      });
      return host;
    }) as unknown as typeof TypeScript.createWatchCompilerHost,
    transpileModule: (javascript, options) => {
      const input = replaceDynamicImports(ts, javascript);
      const result = ts.transpileModule(input, {
        ...options,
        compilerOptions: { ...options.compilerOptions, sourceMap: true },
      });
      transpiled = {
        input,
        mappings: (JSON.parse(result.sourceMapText ?? "{}") as { mappings?: string }).mappings ?? "",
      };
      return result;
    },
  };
  const wrapped = {};
  for (const key of Object.keys(ts) as (keyof typeof TypeScript)[]) {
    Object.defineProperty(wrapped, key, { enumerable: true, get: () => overrides[key] ?? ts[key] });
  }
  tslabRequire.cache[tsPath]!.exports = wrapped;
  const { createConverter } = tslabRequire("./converter") as {
    createConverter(options: { isJS: boolean; isBrowser: boolean }): TslabConverter;
  };
  return {
    ts,
    createConverter: () => createConverter({ isJS: false, isBrowser: false }),
    takeTranspiled: () => {
      const taken = transpiled;
      transpiled = undefined;
      return taken;
    },
  };
}

/** What the session adds to the global scope of cells, as a file of declarations. */
const globalsFile = join(packageRoot, "dist", "kernel", "cell-globals.d.ts").replaceAll("\\", "/");

/** Lets TypeScript read the declarations of the globals as if they were a file. */
function declareGlobals(ts: typeof TypeScript): void {
  const { fileExists, readFile } = ts.sys;
  ts.sys.fileExists = (path) => path === globalsFile || fileExists.call(ts.sys, path);
  ts.sys.readFile = (path, encoding) => (path === globalsFile ? globalsText : readFile.call(ts.sys, path, encoding));
}

/** Libraries do not change under a running kernel: only the user's own files are watched, and no folders. */
function limitWatching(ts: typeof TypeScript): void {
  const watchFile = ts.sys.watchFile?.bind(ts.sys);
  const ownBuild = join(packageRoot, "dist").replaceAll("\\", "/");
  const nothing: TypeScript.FileWatcher = { close: () => undefined };
  ts.sys.watchFile = (path, ...rest) =>
    !watchFile || path.includes("/node_modules/") || path.startsWith(ownBuild) ? nothing : watchFile(path, ...rest);
  ts.sys.watchDirectory = () => nothing;
}
