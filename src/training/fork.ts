import { dirname } from "node:path";
import { CheckpointError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import type { Run } from "../recording/index.ts";
import type { TrainerConfig } from "./config.ts";
import type { Learner } from "./learner.ts";
import { bringTo } from "./rewind.ts";
import type { NewRunOptions, TrainerParts } from "./run-folder.ts";
import type { TrainerCheckpoint } from "./types.ts";

export interface ForkOptions {
  /** Where the fork begins. Default: where the trainer stands. */
  readonly step?: number;
  /** Part of its run's id. Default: the parent's name. */
  readonly name?: string;
  /** False: it gets no folder of its own yet. Default true, where the parent is recorded. */
  readonly record?: boolean;
}

/** What a fork needs of its parent and of itself. */
export interface Forkable extends Omit<Learner, keyof TrainerParts | "config" | "openRun">, TrainerParts {
  readonly config: TrainerConfig;
  checkpoint(): Promise<TrainerCheckpoint>;
  restore(checkpoint: TrainerCheckpoint): Promise<void>;
  openRun(folder: string | Run, options?: NewRunOptions): Promise<Run>;
}

/**
 * A trainer of its own that begins in the state `trainer` has, or had after an earlier step, with the settings that held
 * there. Same seed, tasks and noise: with nothing changed it goes on as its parent does. Where the parent is recorded, so
 * is the fork, in a folder beside it that names the parent.
 *
 * @throws CheckpointError when there is no way back to that step.
 */
export async function forkTrainer<T extends Forkable>(
  trainer: Forkable,
  run: Run | undefined,
  create: (policy: Policy, settings: Readonly<Record<string, unknown>>) => T,
  { step, name, record = true }: ForkOptions,
): Promise<T> {
  const settings = { ...trainer.config };
  const state = await trainer.checkpoint();
  const policy = await trainer.policy.clone();
  const isPast = step !== undefined && step !== state.step;
  if (isPast && !run) throw new CheckpointError(`There is no way back to step ${step}: the training is not recorded.`);
  const timeline = await run?.timeline();
  const then = isPast ? timeline!.settingsAt(run!.config.config, step) : {};
  const fork = create(policy, { ...settings, ...then });
  if (isPast) {
    await bringTo(fork, run!, step);
  } else await fork.restore(state);
  if (run && record) {
    const parent = { id: run.id, step: fork.step };
    await fork.openRun(dirname(run.folder), { name: name ?? run.config.name, parent });
  }
  return fork;
}
