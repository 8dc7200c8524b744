import { createRequire } from "node:module";
import type { CompilerName } from "./cellCompiler.ts";
import { tslabVersions } from "./tslab/versions.ts";

/** The version of TypeScript that cells are written in, without loading it. */
export function typeScriptVersion(compiler: CompilerName): string {
  if (compiler === "tslab") return tslabVersions().typescript;
  return (createRequire(import.meta.url)("typescript/package.json") as { version: string }).version;
}
