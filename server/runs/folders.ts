import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { parsePath, type RootFolder } from "../api/contents/paths.ts";
import { HttpError } from "../api/errors.ts";

/** Where a search for runs ends: people serve whole home folders. */
const maxDepth = 6;
const maxFolders = 5000;

/** Parts of a run, any of which shows that a folder in a `runs` folder is meant to be one. */
const parts = ["config.json", "events.jsonl", "rollouts", "checkpoints"];
/** Folders that hold no runs and many other folders. */
const skipped = new Set(["node_modules", "__pycache__", "checkpoints", "rollouts"]);

/** The runs under the served folder, as paths of the API. */
export interface FoundRuns {
  readonly paths: readonly string[];
  /** There were too many folders to look through them all. */
  readonly isIncomplete: boolean;
}

const isReal = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A run on disk wherever it lies: its settings, and its events. */
async function isRun(folder: string, isInRuns: boolean): Promise<boolean> {
  const has = await Promise.all(parts.map((part) => isReal(join(folder, part))));
  return isInRuns ? has.some(Boolean) : has[0]! && has[1]!;
}

/**
 * Looks for runs below a folder, nearest first. Trainings record in `runs` beside their notebook; runs in folders of
 * other names are found too. Links and hidden folders are not followed.
 */
export async function findRuns(root: RootFolder): Promise<FoundRuns> {
  const paths: string[] = [];
  let seen = 0;
  let level = [""];
  for (let depth = 0; depth < maxDepth && level.length; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++seen > maxFolders) return { paths, isIncomplete: true };
      // A folder that may not be read holds nothing that could be shown.
      const entries = await readdir(join(root.path, folder), { withFileTypes: true }).catch((): Dirent[] => []);
      const isRuns = basename(join(root.path, folder)) === "runs";
      for (const entry of entries) {
        if (!entry.isDirectory() || entry.name.startsWith(".") || skipped.has(entry.name)) continue;
        const path = folder ? `${folder}/${entry.name}` : entry.name;
        if (await isRun(join(root.path, path), isRuns)) paths.push(path);
        else next.push(path);
      }
    }
    level = next;
  }
  return { paths, isIncomplete: false };
}

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
  for (const part of [...parts, "run.lock"]) {
    const real = await realpath(join(folder, part)).catch(() => undefined);
    if (real !== undefined && !root.holds(real)) throw new HttpError(404, `${names}/${part} leads out of the folder`);
  }
  return folder;
}
