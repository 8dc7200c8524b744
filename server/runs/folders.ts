import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { isRun, runParts } from "../../src/live/index.ts";
import { parsePath, type RootFolder } from "../api/contents/paths.ts";
import { HttpError } from "../api/errors.ts";

/**
 * Where a run's folder is on disk.
 *
 * @throws HttpError 404 for a path that leads out of the served folder or is no run's, or whose files are links that do.
 */
export async function locateRun(root: RootFolder, path: string): Promise<string> {
  const names = parsePath(path);
  if (!names) throw new HttpError(404, "A run's path is missing.");
  const folder = await root.locate(names);
  if (!(await isRun(folder, true))) throw new HttpError(404, `${names} is not the folder of a run`);
  for (const part of [...runParts, "run.lock"]) {
    const real = await realpath(join(folder, part)).catch(() => undefined);
    if (real !== undefined && !root.holds(real)) throw new HttpError(404, `${names}/${part} leads out of the folder`);
  }
  return folder;
}
