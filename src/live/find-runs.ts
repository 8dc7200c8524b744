import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

/** Where a search for runs ends: people serve whole home folders. */
const maxDepth = 6;
const maxFolders = 5000;

/** Parts of a run, any of which shows that a folder in a `runs` folder is meant to be one. */
export const runParts: readonly string[] = ["config.json", "events.jsonl", "rollouts", "checkpoints"];
/** Folders that hold no runs and many other folders. */
const skipped = new Set(["node_modules", "__pycache__", "checkpoints", "rollouts"]);

/** The runs below a folder, as paths from it with `/` between names. */
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

/**
 * Whether a folder holds a run: its settings, and its events.
 *
 * @param isInRuns it lies in a folder for runs, so that any part of a run is enough.
 */
export async function isRun(folder: string, isInRuns: boolean): Promise<boolean> {
  const has = await Promise.all(runParts.map((part) => isReal(join(folder, part))));
  return isInRuns ? has.some(Boolean) : has[0]! && has[1]!;
}

/**
 * Looks for runs below a folder, nearest first. Trainings record in `runs` beside their notebook; runs in folders of
 * other names are found too. Links and hidden folders are not followed.
 */
export async function findRuns(root: string): Promise<FoundRuns> {
  const paths: string[] = [];
  let seen = 0;
  let level = [""];
  for (let depth = 0; depth < maxDepth && level.length; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++seen > maxFolders) return { paths, isIncomplete: true };
      // A folder that may not be read holds nothing that could be shown.
      const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((): Dirent[] => []);
      const isRuns = basename(join(root, folder)) === "runs";
      for (const entry of entries) {
        if (!entry.isDirectory() || entry.name.startsWith(".") || skipped.has(entry.name)) continue;
        const path = folder ? `${folder}/${entry.name}` : entry.name;
        if (await isRun(join(root, path), isRuns)) paths.push(path);
        else next.push(path);
      }
    }
    level = next;
  }
  return { paths, isIncomplete: false };
}
