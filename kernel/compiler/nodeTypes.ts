import { createRequire } from "node:module";
import { dirname } from "node:path";

/** Folder that holds `node`, the types of Node.js. */
export function nodeTypesFolder(): string {
  const require = createRequire(import.meta.url);
  for (const from of [require, createRequire(require.resolve("tslab"))]) {
    try {
      return dirname(dirname(from.resolve("@types/node/package.json")));
    } catch {
      // Not installed there.
    }
  }
  throw new Error("The types of Node.js (@types/node) are not installed. Run npm install again.");
}
