import { join } from "node:path";
import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { CheckpointError, InvalidInputError } from "../../base/errors.ts";
import { RandomStream } from "../../base/random.ts";
import { parseInput } from "../../base/schema.ts";
import { signal } from "../../display/index.ts";
import { Policy } from "../../policy/policy.ts";
import { RecordingError, Run } from "../../recording/index.ts";
import { readJsonLines } from "../../recording/json-lines.ts";
import type { Learner } from "../learner.ts";
import { bringTo } from "../rewind.ts";

export const supervisedKinds = ["sft", "dpo", "expert-iteration"] as const;
export type SupervisedKind = (typeof supervisedKinds)[number];

/** What the `config.json` of such a run says of its parts; a corpus lies in the folder. */
const setupSchema = z.looseObject({
  kind: z.enum(supervisedKinds),
  lab: z.object({
    seed: z.int().nonnegative(),
    device: z.enum(["auto", "cpu", "webgpu", "cuda"]),
    threads: z.int().positive().optional(),
    /** What the engine made of it. */
    used: z.object({ device: z.string(), threads: z.number() }),
  }),
  /** Its weights and tokenizer are those of the first checkpoint. */
  policy: z.object({ name: z.string(), architecture: z.record(z.string(), z.json()) }),
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
  const { seed, device, threads } = lab;
  const used = { device: policy.engine.report.device, threads: policy.engine.report.threads };
  const setup: SupervisedSetup = {
    ...parts,
    kind,
    lab: { seed, device, threads, used },
    policy: { name: policy.name, architecture: { ...policy.config } },
  };
  return Run.create({ folder, name: `${kind}-${policy.name}`, seed, config, setup, files });
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
  const [first] = await run.validCheckpoints();
  if (!first) throw new CheckpointError(`Run ${run.id} ended before its first checkpoint was written.`);
  const { lab: recorded, policy: described } = setup.data;
  const { seed, device, threads } = recorded;
  const lab = options.lab ?? {
    ...{ seed, device, threads, signal },
    random: (name: string, ...keys: number[]) => new RandomStream(seed, name, ...keys),
  };
  if (lab.seed !== seed)
    throw new InvalidInputError(
      `Run ${run.id} draws from seed ${seed}, but the lab has seed ${lab.seed}.`,
      "Leave the lab out, or make one with the run's seed.",
    );
  const policy = options.policy ?? (await Policy.load(first.path, { lab, name: described.name }));
  for (const [name, value] of Object.entries(described.architecture))
    if ((policy.config as Record<string, unknown>)[name] !== value)
      throw new CheckpointError(`Run ${run.id} has a policy of another architecture: ${name} is ${value}.`);
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
