import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { progress } from "../display/index.ts";
import type { Run } from "../recording/index.ts";
import { busyLoop } from "./busy-loops.ts";
import { stepWith } from "./held-step.ts";
import type { Learner } from "./learner.ts";

/** Kinds of parts that no setting names. */
const wholeRun = ["reward", "task family"];

/**
 * Brings a trainer to the state that a run had after `step`: the nearest checkpoint at or before it, then the steps from
 * there again, each with the settings that held for it. The trainer's present settings are what they were.
 *
 * @throws CheckpointError when there is no way to that step; nothing is changed.
 */
export async function bringTo(trainer: Learner, run: Run, step: number): Promise<void> {
  const timeline = await run.timeline();
  const checkpoints = await run.validCheckpoints();
  const nearest = checkpoints.findLast((checkpoint) => checkpoint.step <= step);
  if (!Number.isInteger(step) || !nearest || step > Math.max(trainer.step, timeline.step))
    throw new CheckpointError(
      `There is no way back to step ${step}.`,
      `The run is at step ${timeline.step}; checkpoints: ${checkpoints.map((one) => one.step).join(", ") || "none"}.`,
    );
  // Settings hold the code of then; the reward and the tasks are those that the run was last taken up with.
  const changed = timeline.partChanges.find(({ kind, step: at }) => wholeRun.includes(kind) && at > nearest.step);
  if (changed && nearest.step < step)
    throw new CheckpointError(
      `The steps after ${nearest.step} cannot be made again: the ${changed.kind} ${JSON.stringify(changed.name)} was another one up to step ${changed.step}.`,
      `Go to the checkpoint of step ${nearest.step} itself.`,
    );
  const files = await run.checkpoints.read(nearest.step);
  await trainer.load(files, nearest.path);
  if (trainer.step >= step) return;
  const present = { ...trainer.config };
  const bar = progress({ total: step - trainer.step }, { label: `again to step ${step}`, unit: "steps" });
  try {
    for (let done = 1; trainer.step < step; done++) {
      trainer.configure(timeline.settingsAt(run.config.config, trainer.step));
      await stepWith(trainer, timeline.interventions);
      bar.set(done);
    }
  } finally {
    bar.done();
    trainer.configure(present);
  }
}

/** @throws InvalidInputError while the trainer trains and is not paused. */
export function refuseWhileBusy(trainer: object, what: string): void {
  const loop = busyLoop(trainer);
  if (loop)
    throw new InvalidInputError(
      `${what} while the trainer trains (step ${loop.steps.length} of ${loop.count}) would pull its state away.`,
      "pause() or stop() the run first, or fork it.",
    );
}
