import { type Run, recordedVersions } from "../recording/index.ts";
import { interpreterFacts, interpreterSetup } from "./interpreter-setup.ts";
import type { RunSetup, TrainerParts } from "./run-folder.ts";

/** Something that holds one value in the recorded run and another now. */
export interface Difference {
  readonly what: string;
  readonly recorded: unknown;
  readonly now: unknown;
}

/** Versions, device and interpreter that are not those that a run was recorded with. */
export function versionDifferences({
  run,
  setup,
  parts,
}: {
  run: Run;
  setup: RunSetup;
  parts: Pick<TrainerParts, "policy" | "interpreter">;
}): Difference[] {
  const { device, threads } = parts.policy.engine.report;
  const { used } = setup.lab;
  const recorded = setup.interpreter;
  const interpreter = parts.interpreter && interpreterSetup(parts.interpreter);
  return differing(
    { ...run.config.versions, device: used.device, threads: used.threads, ...(recorded && interpreterFacts(recorded)) },
    {
      ...recordedVersions(),
      device,
      threads,
      // What a run of an earlier version did not tell cannot differ.
      ...(interpreter && interpreterFacts(recorded?.options ? interpreter : { ...interpreter, options: undefined })),
    },
  );
}

/** The names under which two records hold different values. */
export function differing(
  then: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): Difference[] {
  return Object.keys({ ...then, ...now })
    .filter((what) => JSON.stringify(then[what]) !== JSON.stringify(now[what]))
    .map((what) => ({ what, recorded: then[what], now: now[what] }));
}

/** Differences as lines of text. */
export function differenceLines(differences: readonly Difference[]): string[] {
  const text = (value: unknown) => (value === undefined ? "none" : JSON.stringify(value));
  return differences.map(({ what, recorded, now }) => `${what}: ${text(recorded)} then, ${text(now)} now`);
}
