import { InvalidInputError } from "../base/errors.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import { RecordingError, type Run } from "../recording/index.ts";
import type { Batch } from "./batch.ts";
import type { RolloutPlace } from "./guards/types.ts";
import { batchOf, readRolloutRecords } from "./rollout-records.ts";
import { shownBatch, shownRollouts } from "./training-display.ts";

/** A recorded step, and which of its rollouts; an alert is one. */
export interface RolloutsOf {
  /** Steps taken, the one in question included, as alerts and metrics count them. */
  readonly step: number;
  /** Default: all. */
  readonly rollouts?: readonly RolloutPlace[];
}

/**
 * Rollouts of a recorded step, in the order asked for, with the rewards of then; see `Trainer.rollouts`.
 *
 * @throws RecordingError when none were recorded, InvalidInputError for a place that the step does not have.
 */
export async function recordedRollouts(
  tokenizer: Tokenizer,
  run: Run | undefined,
  { step, rollouts: places }: RolloutsOf,
): Promise<Batch> {
  if (!run) throw new RecordingError("There are no rollouts to look at: the training is not recorded.");
  const records = await readRolloutRecords(run, step);
  const batch = batchOf(tokenizer, records, step, records[0]!.trajectory.limits);
  if (!places) return shownBatch(batch);
  const named = places.map(({ group, sample }) => {
    const found = batch.rollouts.find((one) => one.group === group && one.sample === sample);
    if (!found)
      throw new InvalidInputError(
        `Step ${step} has no rollout ${group}/${sample}.`,
        `Groups of it: ${[...new Set(batch.rollouts.map((one) => one.group))].join(", ")}.`,
      );
    return found;
  });
  return shownRollouts({ ...batch, rollouts: named });
}
