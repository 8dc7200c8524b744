import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../package.ts";

/** The extension's name, and its folder's. */
const name = "cirlab";

/**
 * Installs the lab's extension for JupyterLab 4 and Notebook 7 of other servers: the viewer of rollouts, the live view of
 * runs and their browser. One that is there is replaced.
 *
 * @param dataFolder one of Jupyter's data folders, for example `~/.local/share/jupyter`.
 * @returns the extension's folder.
 * @throws Error where this package's web parts were never built.
 */
export async function installLabExtension(dataFolder: string): Promise<string> {
  const built = join(packageRoot, "dist", "labextension");
  if (!existsSync(join(built, "package.json")))
    throw new Error(`The extension for JupyterLab is not built: run "npm run build" in ${packageRoot}.`);
  const extensions = join(dataFolder, "labextensions");
  const target = join(extensions, name);
  // Beside the folder of extensions: JupyterLab would take a half of it for one.
  const temporary = join(dataFolder, `.cirlab-labextension-${randomUUID()}`);
  await mkdir(extensions, { recursive: true });
  try {
    await cp(built, temporary, { recursive: true });
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return target;
}
