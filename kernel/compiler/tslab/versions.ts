import { createRequire } from "node:module";

/** Versions of tslab and of its TypeScript, without loading them. */
export function tslabVersions(): { tslab: string; typescript: string } {
  const tslabRequire = createRequire(createRequire(import.meta.url).resolve("tslab"));
  const version = (path: string) => (tslabRequire(path) as { version: string }).version;
  return {
    tslab: version("../package.json"),
    typescript: version("@tslab/typescript-for-tslab/package.json"),
  };
}
