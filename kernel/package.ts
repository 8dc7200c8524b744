import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) throw new Error("cirlab: no package.json above the kernel's code.");
  }
}

/** Folder of this package: where package.json, bin and dist lie. */
export const packageRoot: string = findRoot();

/** This package's version. */
export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }
).version;

/** The JavaScript that starts this package's commands. */
export const commandFile: string = join(packageRoot, "bin", "cirlab.js");

/** URL of a module beside the calling one, for worker threads and child processes (`.ts` or `.js`, as the caller). */
export function siblingModule(from: string, path: string): URL {
  return new URL(`${path}${from.endsWith(".ts") ? ".ts" : ".js"}`, from);
}
