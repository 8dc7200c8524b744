import { type Run, stepsOf } from "../recording/index.ts";
import type { Learner } from "./learner.ts";
import { type ResumeOptions, restoreParts } from "./resume.ts";
import { bringTo } from "./rewind.ts";
import { createTrainerRun, type TrainerParts } from "./run-folder.ts";
import { TrainRun } from "./train-run.ts";
import { type Difference, versionDifferences } from "./version-differences.ts";

/** Figures of time, which are another ones at every run. */
const timed = /^seconds/;

/** What repeating a run gave. */
export interface Repetition {
  readonly run: Run;
  /** The recorded run's folder. */
  readonly of: Run;
  /** Versions, device and interpreter that are not those of then. */
  readonly versions: readonly Difference[];
  /** Figures of steps that are not those of then: `step 3 reward`. */
  readonly metrics: readonly Difference[];
  readonly steps: number;
}

export interface RepeatOptions extends Omit<ResumeOptions, "step" | "allowChanged"> {
  /** How many steps. Default: as many as were recorded. */
  readonly steps?: number;
  /** Where the new run's folder is made. Default `"runs"`. */
  readonly folder?: string;
}

/**
 * Trains a recorded run again from its beginning, changes of settings included, into a run of its own, and compares.
 *
 * @param create makes a trainer of the parts.
 */
export async function repeatRun<T extends Learner>(
  folder: string,
  create: (parts: TrainerParts, settings: Readonly<Record<string, unknown>>) => T,
  { steps, folder: target = "runs", onVersions, ...given }: RepeatOptions = {},
): Promise<Repetition> {
  const restored = await restoreParts(folder, given);
  const { run: of, parts, settings } = restored;
  try {
    const versions = versionDifferences(restored);
    onVersions?.(versions);
    const timeline = await of.timeline();
    const trainer = create(parts, settings);
    await bringTo(trainer, of, timeline.start ?? 0);
    const run = await createTrainerRun(parts, settings, target, { name: of.config.name, parent: of.config.parent });
    await trainer.openRun(run);
    const recorded = new Map(stepsOf(await of.events()).map((event) => [event.step, event.metrics]));
    const metrics: Difference[] = [];
    const count = steps ?? timeline.step - (timeline.start ?? 0);
    const training = new TrainRun(trainer, count, { interventions: timeline.interventions });
    const first = settings as typeof of.config.config;
    trainer.configure(timeline.settingsAt(first, trainer.step));
    for await (const { step, metrics: now } of training) {
      for (const [name, value] of Object.entries(recorded.get(step) ?? {})) {
        const own: unknown = (now as Record<string, unknown>)[name];
        if (!timed.test(name) && !Object.is(own, value ?? Number.NaN))
          metrics.push({ what: `step ${step} ${name}`, recorded: value, now: own });
      }
      trainer.configure(timeline.settingsAt(first, trainer.step));
    }
    return { run, of, versions, metrics, steps: training.steps.length };
  } finally {
    if (!given.interpreter) await parts.interpreter?.close();
  }
}
