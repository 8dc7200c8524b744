import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Kinds of files that the compiler makes ready for the session. */
export const scriptExtensions: readonly string[] = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"];

/**
 * The paths that a relative, absolute or `file:` specifier may mean from `folder`, best first; none for packages.
 * A TypeScript file may be named by the JavaScript file that it becomes, and without its extension.
 */
export function localCandidates(specifier: string, folder: string): string[] {
  if (!/^(?:\.{0,2}\/|\.{1,2}$|file:)/.test(specifier)) return [];
  const base = specifier.startsWith("file:") ? fileURLToPath(specifier) : resolve(folder, specifier);
  return [
    base,
    base.replace(/\.([mc]?)js(x?)$/, ".$1ts$2"),
    base.replace(/\.tsx?$/, ".js"),
    ...scriptExtensions.map((extension) => base + extension),
    ...scriptExtensions.map((extension) => join(base, `index${extension}`)),
  ];
}
