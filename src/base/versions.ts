import { existsSync, readFileSync } from "node:fs";

/** The package's own version, read from the nearest package.json above this module. */
function packageVersion(): string {
  let folder = new URL("./", import.meta.url);
  for (;;) {
    const file = new URL("package.json", folder);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
    const above = new URL("../", folder);
    if (above.href === folder.href) throw new Error(`There is no package.json above ${import.meta.url}.`);
    folder = above;
  }
}

/** Versions that a result depends on. */
export function versions(): Record<string, string> {
  return { cirlab: packageVersion(), node: process.versions.node, platform: `${process.platform} ${process.arch}` };
}
