import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";
import { packageRoot } from "../../package.ts";
import { nodeTypesFolder } from "../nodeTypes.ts";

/** Where cells find this package's own modules, whatever the notebook's folder has installed. */
export const ownModules: Readonly<Record<string, string[]>> = {
  cirlab: [join(packageRoot, "dist", "src", "index.d.ts")],
  "cirlab/kernel": [join(packageRoot, "dist", "kernel", "api", "index.d.ts")],
};

/** What a tsconfig.json in the notebook's folder, or above it, may say about cells. */
const adopted = [
  "jsx",
  "jsxFactory",
  "jsxFragmentFactory",
  "jsxImportSource",
  "experimentalDecorators",
  "lib",
  "strict",
  "noImplicitAny",
] as const satisfies readonly (keyof ts.CompilerOptions)[];

/** TypeScript's options for cells that run in `folder`. */
export function compilerOptions(folder: string): ts.CompilerOptions {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.decorators.d.ts"],
    types: ["node"],
    typeRoots: [nodeTypesFolder()],
    paths: { ...ownModules, tslab: [createRequire(import.meta.url).resolve("tslab/dist/public.d.ts")] },
    strict: true,
    noImplicitAny: false,
    skipLibCheck: true,
    allowJs: true,
    esModuleInterop: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    useDefineForClassFields: true,
  };
  const path = ts.findConfigFile(folder, existsSync);
  if (!path) return options;
  const { config } = ts.readConfigFile(path, ts.sys.readFile) as { config?: unknown };
  const parsed = ts.parseJsonConfigFileContent({ ...(config ?? {}), files: [] }, ts.sys, dirname(path)).options;
  for (const name of adopted) if (parsed[name] !== undefined) options[name] = parsed[name] as never;
  return options;
}
