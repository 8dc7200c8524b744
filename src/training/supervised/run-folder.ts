import { join } from "node:path";
import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { parseInput } from "../../base/schema.ts";
import type { Policy } from "../../policy/policy.ts";
import { RecordingError, Run } from "../../recording/index.ts";
import { readJsonLines } from "../../recording/json-lines.ts";
import type { Learner } from "../learner.ts";
import { modelSetup, modelSetupSchema, restoreModel } from "../recorded-model.ts";
import { bringTo } from "../rewind.ts";

export const supervisedKinds = ["sft", "dpo", "expert-iteration"] as const;
export type SupervisedKind = (typeof supervisedKinds)[number];

/** What the `config.json` of such a run says of its parts; a corpus lies in the folder. */
const setupSchema = z.looseObject({
  kind: z.enum(supervisedKinds),
  ...modelSetupSchema.shape,
});

type SupervisedSetup = z.infer<typeof setupSchema>;

export interface NewSupervisedRun {
  readonly kind: SupervisedKind;
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly config: Readonly<Record<string, unknown>>;
  /** The corpus, by file name. */
  readonly files?: Readonly<Record<string, string>>;
  /** What else it was made of, as JSON; for readers. */
  readonly parts?: Readonly<Record<string, unknown>>;
}

/** Makes the folder of a run, from which alone it can be gone on with. */
export function createSupervisedRun(
  { kind, lab, policy, config, files, parts }: NewSupervisedRun,
  folder: string,
): Promise<Run> {
  const setup: SupervisedSetup = { ...parts, kind, ...modelSetup(lab, policy) };
  return Run.create({ folder, name: `${kind}-${policy.name}`, seed: lab.seed, config, setup, files });
}

/** Parts to use in place of those that the run's folder describes. */
export interface ResumeSupervisedOptions {
  readonly lab?: LabContext;
  /** Its weights are replaced by the run's. */
  readonly policy?: Policy;
  /** Where to go on. Default: where the run stands. */
  readonly step?: number;
}

/** A run's parts, made anew. */
export interface RestoredRun {
  readonly run: Run;
  readonly lab: LabContext;
  readonly policy: Policy;
}

/**
 * Takes up a recorded run.
 *
 * @param create makes the learner of the run's parts and its first settings.
 * @throws RecordingError for a folder that holds no run of this kind, CheckpointError for one without checkpoints or with a
 * policy of another architecture.
 */
export async function resumeSupervisedRun<T extends Learner>(
  folder: string,
  kind: SupervisedKind,
  options: ResumeSupervisedOptions,
  create: (restored: RestoredRun, settings: Readonly<Record<string, unknown>>) => Promise<T>,
): Promise<T> {
  const run = await Run.open(folder);
  const setup = setupSchema.safeParse(run.config.setup);
  if (!setup.success || setup.data.kind !== kind)
    throw new RecordingError(
      `Run ${run.id} was not recorded by a learner of this kind (${kind}).`,
      "Take it up with its own: SftTrainer, DpoTrainer, ExpertIteration or Trainer.",
    );
  const { lab, policy } = await restoreModel(run, setup.data, options);
  await run.acquire();
  try {
    const timeline = await run.timeline();
    const step = options.step ?? timeline.step;
    const learner = await create({ run, lab, policy }, run.config.config);
    await bringTo(learner, run, step);
    learner.configure(timeline.settingsAt(run.config.config, step));
    await learner.openRun(run);
    return learner;
  } finally {
    await run.release();
  }
}

/** The lines of a corpus file of a run, checked. */
export async function readCorpus<S extends z.ZodType>(run: Run, file: string, schema: S): Promise<z.infer<S>[]> {
  const path = join(run.folder, file);
  const lines = await readJsonLines(path, { whole: true });
  return lines.map((line, i) => parseInput(schema, line, `${path}, line ${i + 1}`));
}

/** Values as the lines of a file. */
export const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("");
