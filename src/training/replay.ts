import { isDeepStrictEqual } from "node:util";
import { RecordingError, type Run, stepsOf } from "../recording/index.ts";
import type { Reward, RewardResult } from "../reward/index.ts";
import type { Advantages, Batch } from "./batch.ts";
import type { UnscoredBatch } from "./collect-batch.ts";
import { configAt } from "./config.ts";
import type { Forkable } from "./fork.ts";
import { batchOf, readRolloutRecords } from "./rollout-records.ts";
import { scoreRollout } from "./score-rollout.ts";
import type { UpdateReport } from "./types.ts";

export interface ReplayOptions {
  /** Judges the rollouts anew. Default: the run's own reward. */
  readonly reward?: Reward;
}

/** What a recorded step gave when it was trained again. */
export interface ReplayReport {
  readonly batch: Batch;
  readonly advantages: Advantages;
  readonly update: UpdateReport;
  /** Rollouts whose reward, or that of a turn, is another than the recorded one. */
  readonly rescored: readonly {
    readonly rollout: number;
    readonly recorded: RewardResult;
    readonly now: RewardResult;
  }[];
  /** Figures of the update that are not those recorded; empty when the update is the same. */
  readonly differences: readonly { readonly metric: string; readonly recorded: number | null; readonly now: number }[];
  /** The weights after the update. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** What replaying needs of a trainer. */
export interface Replayable extends Forkable {
  score(batch: UnscoredBatch): Promise<Batch>;
  advantages(batch: Batch): Advantages;
  update(batch: Batch, advantages: Advantages): Promise<UpdateReport>;
  close(): Promise<void>;
}

/** Trains a recorded step's rollouts again on a branch; see `Trainer.replay`. */
export async function replayStep(
  branchAt: (step: number) => Promise<Replayable>,
  run: Run | undefined,
  step: number,
  { reward }: ReplayOptions,
): Promise<ReplayReport> {
  if (!run) throw new RecordingError("Nothing can be replayed: the training is not recorded.");
  const records = await readRolloutRecords(run, step);
  const recorded = stepsOf(await run.events()).find((event) => event.step === step)?.metrics ?? {};
  const branch = await branchAt(step - 1);
  try {
    const { policy } = branch;
    const { maxToolCalls } = configAt(branch.config, step - 1);
    const original = batchOf(policy.tokenizer, records, step, { maxToolCalls });
    // The run's own scoring also adds what a reference policy says.
    let batch = await branch.score(original);
    if (reward) {
      const rollouts = batch.rollouts.map(async (rollout) => ({
        ...rollout,
        reward: await scoreRollout(reward, rollout, step),
      }));
      batch = { ...batch, rollouts: await Promise.all(rollouts) };
    }
    const rescored = batch.rollouts.flatMap(({ reward: now }, rollout) => {
      const before = original.rollouts[rollout]!.reward;
      const isSame = now.reward === before.reward && isDeepStrictEqual(now.turnRewards, before.turnRewards);
      return isSame ? [] : [{ rollout, recorded: before, now }];
    });
    const advantages = branch.advantages(batch);
    const update = await branch.update(batch, advantages);
    const differences = Object.entries(update).flatMap(([metric, now]: [string, number]) =>
      metric in recorded && recorded[metric] !== now ? [{ metric, recorded: recorded[metric]!, now }] : [],
    );
    return { batch, advantages, update, rescored, differences, weights: await policy.weights() };
  } finally {
    await branch.close();
  }
}
