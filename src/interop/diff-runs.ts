import { recipes } from "../recipes/index.ts";
import { Run } from "../recording/index.ts";
import type { TrainerConfig } from "../training/config.ts";
import { diffFromPaper, type PaperDiff, type PaperSettings } from "../training/diff.ts";
import { compareRuns, type RunDiff } from "../training/run-diff.ts";

/**
 * What two runs have not in common: settings, versions, parts, code of the users' own, the first figure that differs and
 * the last figures; or in which settings a run leaves a paper.
 *
 * @param a a run, or its folder.
 * @param b another one, or a paper by its id or its recipe's name.
 * @example
 * await diffRuns("runs/20260801-120000-base", "runs/20260801-130000-base");
 * await diffRuns("runs/20260801-120000-base", { paper: "cir" });
 * @throws RecordingError for a folder that is no run, InvalidInputError for a paper that is not known.
 */
export async function diffRuns(a: Run | string, b: Run | string): Promise<RunDiff>;
export async function diffRuns(a: Run | string, b: { readonly paper: string }): Promise<PaperDiff>;
export async function diffRuns(
  a: Run | string,
  b: Run | string | { readonly paper: string },
): Promise<RunDiff | PaperDiff> {
  const run = await opened(a);
  if (typeof b === "string" || b instanceof Run) return compareRuns(run, await opened(b));
  const { step } = await run.timeline();
  const settings = (await run.timeline()).settingsAt(run.config.config, step);
  return diffFromPaper(settings as unknown as TrainerConfig, papersOf(run), b.paper);
}

const opened = async (run: Run | string): Promise<Run> => (run instanceof Run ? run : Run.open(run));

/** The papers that the run was compared with, then those of all recipes. */
function papersOf(run: Run): PaperSettings[] {
  const recorded = (run.config.setup?.papers ?? []) as unknown as PaperSettings[];
  return [...recorded, ...Object.values(recipes).flatMap((recipe) => recipe().papers)];
}
