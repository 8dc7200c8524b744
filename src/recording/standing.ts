import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RunState, Timeline } from "./timeline.ts";

/** How a run stands when also asked who trains it: `died` where nobody does and it never said that it ended. */
export type Standing = RunState | "died";

/** @param isTrained whether a living process holds its lock. */
export function standingOf(timeline: Timeline, isTrained: boolean): Standing {
  if (isTrained) return timeline.state === "paused" ? "paused" : "running";
  return timeline.state === "running" || timeline.state === "paused" ? "died" : timeline.state;
}

/** Bytes of all files in a run's folder. */
export async function runSize(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  // A file may go while a running training is looked at.
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (file) => (file.isFile() ? file.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
