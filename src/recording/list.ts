import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { RunConfig } from "./config.ts";
import { readRunConfig } from "./config.ts";
import { RecordingError } from "./errors.ts";

/** A run in a list: what it was, or why it cannot be read. */
export type RunSummary =
  | { readonly folder: string; readonly config: RunConfig }
  | { readonly folder: string; readonly problem: string };

/** The runs in a folder, newest first; damaged ones last, with what is wrong. A missing folder has none. */
export async function listRuns(folder = "runs"): Promise<RunSummary[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const runs = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(async (entry): Promise<RunSummary> => {
      const path = join(folder, entry.name);
      try {
        return { folder: path, config: await readRunConfig(path) };
      } catch (error) {
        if (error instanceof RecordingError) return { folder: path, problem: error.message };
        throw error;
      }
    });
  const createdAt = (run: RunSummary) => ("config" in run ? run.config.createdAt : "");
  return (await Promise.all(runs)).sort(
    (a, b) => createdAt(b).localeCompare(createdAt(a)) || b.folder.localeCompare(a.folder),
  );
}
