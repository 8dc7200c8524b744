import { InvalidInputError } from "../base/errors.ts";
import { edited } from "../rollout/edited.ts";
import type { PlacedEdit } from "../rollout/edits.ts";
import type { Trajectory } from "../rollout/trajectory.ts";
import type { Batch, UnscoredRollout } from "./batch.ts";
import type { UnscoredBatch } from "./collect-batch.ts";
import { type RolloutRecord, rolloutRecords } from "./rollout-records.ts";

/** What a held step needs of its trainer. */
export interface HeldStepParts {
  /** Whoever wrote the rollout writes on from where the changed trajectory stands, to its end. */
  goOn(rollout: UnscoredRollout, begun: Trajectory): Promise<Trajectory>;
  score(batch: UnscoredBatch): Promise<Batch>;
}

/** Which rollout of the step is changed, and how; by whom, where it is to be recorded. */
export type Change = Omit<PlacedEdit, "step">;

/**
 * A step that is collected and not yet trained on. Each change of a rollout keeps what came before it, lets the policy go on
 * after it, and scores the batch again. What a person wrote is context: it is never trained on.
 */
export class HeldStep {
  /** The batch as it will be trained on. */
  batch: Batch;
  /** What was changed so far, in order: done again, it gives the same batch. */
  readonly interventions: PlacedEdit[] = [];
  readonly #parts: HeldStepParts;

  constructor(batch: Batch, parts: HeldStepParts) {
    this.batch = batch;
    this.#parts = parts;
  }

  /** The step, from 1. */
  get step(): number {
    return this.batch.step + 1;
  }

  /**
   * Changes a rollout.
   *
   * @throws InvalidInputError for a rollout that the batch does not have or a change that does not fit it,
   * InfrastructureError when the rollout could not go on or be judged; the batch is what it was then.
   */
  async intervene({ group, sample, edit, by }: Change): Promise<void> {
    const { rollouts } = this.batch;
    const at = rollouts.findIndex((one) => one.group === group && one.sample === sample);
    if (at < 0) throw new InvalidInputError(`Step ${this.step} has no rollout ${group}/${sample}.`);
    const rollout = rollouts[at]!;
    const trajectory = await this.#parts.goOn(rollout, edited(rollout.trajectory, edit));
    // Marks, values and reference log-probs are made again with the scores.
    const changed = rollouts.map((one, i) => ({
      task: one.task,
      group: one.group,
      sample: one.sample,
      trajectory: i === at ? trajectory : one.trajectory,
    }));
    const scored = await this.#parts.score({ ...this.batch, rollouts: changed });
    if (scored.rollouts.length !== rollouts.length)
      throw new InvalidInputError("The rollout could not be judged as it is now.", "Nothing was changed. Try again.");
    this.batch = scored;
    this.interventions.push({ step: this.step, group, sample, edit, ...(by !== undefined && { by }) });
  }

  /** The rollouts as they are recorded, without advantages: those are not known before the update. */
  records(): RolloutRecord[] {
    return rolloutRecords(this.batch);
  }
}

/** Who takes steps, some of which may be reviewed. */
interface Reviewable<S> {
  readonly step: number;
  trainStep(): Promise<S>;
  reviewedStep?(review: (held: HeldStep) => Promise<void>): Promise<S>;
}

/**
 * The next step, with those of the changes that belong to it made again, and then, where one is given, a review.
 *
 * @throws InvalidInputError where there is something to do and the steps collect no rollouts.
 */
export async function stepWith<S>(
  learner: Reviewable<S>,
  interventions: readonly PlacedEdit[],
  review?: (held: HeldStep) => Promise<void>,
): Promise<S> {
  const own = interventions.filter(({ step }) => step === learner.step + 1);
  if (!own.length && !review) return learner.trainStep();
  if (!learner.reviewedStep) throw new InvalidInputError("The steps of this training collect no rollouts.");
  return learner.reviewedStep(async (held) => {
    for (const change of own) await held.intervene(change);
    await review?.(held);
  });
}
