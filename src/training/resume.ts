import { join } from "node:path";
import type { LabContext } from "../base/context.ts";
import { InvalidInputError } from "../base/errors.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Part } from "../parts/index.ts";
import type { Policy } from "../policy/policy.ts";
import { RecordingError, Run, readJsonLines } from "../recording/index.ts";
import { asReward, type Reward, type RewardLike, rewards } from "../reward/index.ts";
import {
  type ArithmeticOptions,
  ArithmeticTaskset,
  ListTaskset,
  type Task,
  type Taskset,
} from "../rollout/tasks/index.ts";
import type { PaperSettings } from "./diff.ts";
import { checkedHelpers, type Helpers } from "./helpers-setup.ts";
import { recordedInterpreter } from "./interpreter-setup.ts";
import type { Learner } from "./learner.ts";
import { partsOf, withChanges } from "./parts/match-parts.ts";
import { givenFamily, givenReward, matchSetup, type PartChange, recordChanges } from "./parts/match-setup.ts";
import { restoreModel } from "./recorded-model.ts";
import { bringTo } from "./rewind.ts";
import { readRolloutRecords, trajectoryOf } from "./rollout-records.ts";
import { type RunSetup, readSetup, type TrainerParts, tasksFile } from "./run-folder.ts";
import { scoreRollout } from "./score-rollout.ts";
import { type Difference, differenceLines, versionDifferences } from "./version-differences.ts";

/** Parts to use in place of those that the run's folder describes. Tools and an expert are needed where the run had them. */
export interface ResumeOptions extends Helpers {
  readonly lab?: LabContext;
  /** Its weights are replaced by the run's. */
  readonly policy?: Policy;
  readonly interpreter?: CodeInterpreter;
  /** Needed where the run's task set was code of your own; a family may also be among `parts`. */
  readonly taskset?: Taskset;
  /** Needed where the run's reward was code of your own; it may also be among `parts`. */
  readonly reward?: RewardLike;
  /** All other code of your own that the run's settings name: estimators, objectives, filters, guards, schedules. */
  readonly parts?: readonly Part[];
  /** Go on with code of your own that was changed since: from the nearest checkpoint, and recorded. Default false. */
  readonly allowChanged?: boolean;
  /** Where to go on. Default: where the run stands. */
  readonly step?: number;
  /** Told before anything is trained what is not as it was: versions, device, the interpreter and its options. */
  readonly onVersions?: (differences: readonly Difference[]) => void;
}

/** A run and the parts of a trainer for it. */
export interface RestoredParts {
  readonly run: Run;
  readonly setup: RunSetup;
  readonly parts: TrainerParts;
  /** The settings that the run began with. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Code of the user's own that is not what it was. */
  readonly changes: readonly PartChange[];
  /** Where to go on. */
  readonly step: number;
}

/**
 * Makes the parts of a trainer anew from a run's folder.
 *
 * @throws RecordingError for a folder that is no run of a trainer, CheckpointError for one without a checkpoint or with one
 * that does not fit the policy, InvalidInputError naming a part that must be given.
 */
export async function restoreParts(folder: string, options: ResumeOptions = {}): Promise<RestoredParts> {
  const run = await Run.open(folder);
  const setup = readSetup(run.config);
  const { lab, policy } = await restoreModel(run, setup, options);
  const taskset = options.taskset ?? givenFamily(options, setup) ?? (await recordedTaskset(run, setup));
  const { tools, intervention } = checkedHelpers(run.id, setup, options);
  const reward = asReward(options.reward ?? givenReward(options, setup) ?? recordedReward(run.id, setup));
  const { own, changes, step } = await matchSetup(run, setup, options, partsOf(reward, taskset));
  if (!changes.some(({ kind }) => kind === "reward")) await checkReward(run, policy, reward);
  const interpreter = options.interpreter ?? (setup.interpreter && (await recordedInterpreter(setup.interpreter)));
  const papers = setup.papers as unknown as PaperSettings[];
  const { recipe } = setup;
  const others = { papers, parts: own, ...(recipe && { recipe }) };
  const parts = { lab, policy, interpreter, tools, intervention, taskset, reward, ...others };
  return { run, setup, parts, settings: run.config.config, changes, step };
}

async function recordedTaskset(run: Run, { taskset: { name, source } }: RunSetup): Promise<Taskset> {
  if (source.kind === "arithmetic") return new ArithmeticTaskset(source.options as ArithmeticOptions);
  if (source.kind === "own")
    throw new InvalidInputError(`Run ${run.id} used a task set of your own (${name}).`, "Give it: { taskset }.");
  const path = join(run.folder, tasksFile);
  const tasks = await readJsonLines(path, { whole: true });
  if (tasks.length !== source.size)
    throw new RecordingError(`${path} has ${tasks.length} tasks, but the run had ${source.size}.`);
  return new ListTaskset(name, tasks as Task[]);
}

function recordedReward(id: string, { reward: { name } }: RunSetup): Reward {
  const usual = rewards.boxedAnswer();
  if (name === usual.name) return usual;
  throw new InvalidInputError(`Run ${id} used the reward ${JSON.stringify(name)}.`, "Give it: { reward }.");
}

/** A reward that judges the run's own rollouts differently is not the run's reward. */
async function checkReward(run: Run, policy: Policy, reward: Reward): Promise<void> {
  const { partChanges } = await run.timeline();
  const since = partChanges.at(-1)?.step ?? 0;
  const step = (await run.rolloutSteps()).find((recorded) => recorded > since);
  if (step === undefined) return;
  for (const record of await readRolloutRecords(run, step)) {
    const trajectory = trajectoryOf(policy.tokenizer, record, step);
    // Steps are recorded from 1; a reward is told them from 0.
    const { reward: now } = await scoreRollout(reward, { task: record.task, trajectory }, step - 1);
    if (now === record.reward.reward) continue;
    throw new InvalidInputError(
      `The reward ${JSON.stringify(reward.name)} is not the one that run ${run.id} was trained with: it gives rollout ` +
        `${record.group}/${record.sample} of step ${step} ${now}, recorded is ${record.reward.reward}.`,
      "Give the run's own: { reward }.",
    );
  }
}

/** Makes a trainer that goes on where a run stands; see `Trainer.resume`. */
export async function resumeTrainer<T extends Learner>(
  folder: string,
  options: ResumeOptions,
  create: (parts: TrainerParts, settings: Readonly<Record<string, unknown>>) => T,
): Promise<T> {
  const restored = await restoreParts(folder, options);
  const { run, parts, settings, changes, step } = restored;
  try {
    const differences = versionDifferences(restored);
    options.onVersions?.(differences);
    await run.acquire();
    try {
      const timeline = await run.timeline();
      const then = timeline.settingsAt(settings as typeof run.config.config, step);
      const trainer = create(parts, withChanges(then, changes));
      await bringTo(trainer, run, step);
      await trainer.openRun(run);
      recordChanges(run, changes, step);
      if (differences.length) run.append({ type: "log", text: `Resumed. ${differenceLines(differences).join("; ")}.` });
      return trainer;
    } finally {
      await run.release();
    }
  } catch (error) {
    if (!options.interpreter) await parts.interpreter?.close();
    throw error;
  }
}
