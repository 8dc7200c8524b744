import { InvalidInputError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { holdCell, inBackground, type MimeBundle } from "../display/index.ts";
import type { CommandInput } from "../recording/index.ts";
import type { RolloutEditInput } from "../rollout/edits.ts";
import type { Batch } from "./batch.ts";
import type { TrainerSettings } from "./config.ts";
import type { Learner, LearnerStep, StepRecord } from "./learner.ts";
import { TrainLoop } from "./train-loop.ts";
import type { LoopState, TrainOptions } from "./train-options.ts";
import type { StepReport } from "./types.ts";

/** Which rollout of the held step is changed, and how. */
export interface InterveneOptions {
  readonly group: number;
  readonly sample: number;
  readonly edit: RolloutEditInput;
}

/**
 * A training that goes on beside the cells. Its panel stays under the cell that started it, and interrupting another cell
 * does not touch it. Commands are obeyed between two steps; each promise resolves when that has happened.
 *
 * @example
 * const run = trainer.start(100);
 * await run.pause();
 * await run.set({ clipRatioHigh: 0.4 });
 * await run.step();
 * await run.resume();
 * await run.done;
 */
export class RunHandle<S extends LearnerStep = StepReport, Settings = TrainerSettings> {
  /** Resolves with the steps when the training ends, also when it was stopped; rejects with what it failed of. */
  readonly done: Promise<readonly StepRecord<S>[]>;
  readonly count: number;
  readonly #loop: TrainLoop<S>;

  /** @throws InvalidInputError while another training of the same trainer goes on. */
  constructor(trainer: Learner<S>, count: number, options: TrainOptions) {
    const loop = new TrainLoop(trainer, count, options, true);
    const before = loop.claim();
    this.#loop = loop;
    this.count = count;
    let begun: Promise<void> | undefined;
    this.done = inBackground(async () => {
      begun = loop.begin(before);
      await begun;
      try {
        while (await loop.next());
        await loop.close();
      } catch (error) {
        await loop.close(error);
        throw error;
      }
      return loop.steps;
    });
    // The panel belongs to the cell that starts the run, so it must be there before that cell ends.
    if (begun) holdCell(begun);
    // The panel tells of it; who awaits `done` hears of it too.
    this.done.catch(() => undefined);
  }

  /** The steps so far, without their rollouts: those lie in the run's folder. */
  get steps(): readonly StepRecord<S>[] {
    return this.#loop.steps;
  }

  get status(): LoopState {
    return this.#loop.state;
  }

  /** Stops before the next step and waits there. */
  pause(): Promise<void> {
    return this.#send({ type: "pause" });
  }

  /** Goes on after a pause. */
  resume(): Promise<void> {
    return this.#send({ type: "resume" });
  }

  /**
   * Takes `count` steps, then pauses.
   *
   * @returns the last of them.
   * @throws what the training failed of, InvalidInputError where it ended without a step.
   */
  async step(count = 1): Promise<StepRecord<S>> {
    const { step: before } = this.#loop.trainer;
    await this.#send({ type: "step", count });
    await this.#stood();
    const last = this.steps.at(-1);
    if (last && last.step > before) return last;
    throw new InvalidInputError(`No step was taken: the training ended (${this.status}).`, "Start another.");
  }

  /**
   * Changes hyperparameters from the next step on; code of your own may be among them.
   *
   * @throws InvalidInputError naming every setting that is unknown or out of range; none is changed then.
   */
  async set(values: Partial<Settings>): Promise<void> {
    const json = this.#loop.trainer.asCommand?.(values) ?? (JSON.parse(JSON.stringify(values)) as object);
    await this.#send({ type: "set", values: json as Record<string, never> });
  }

  /**
   * Collects the rollouts of the next step and waits before the update: `intervene` changes them, `resume` or `step` trains
   * on them.
   *
   * @returns the batch as it stands.
   * @throws InvalidInputError where steps collect no rollouts, or the training ended before; what it failed of, if it did.
   */
  async hold(): Promise<Batch> {
    await this.#send({ type: "hold" });
    await this.#stood();
    return this.#heldBatch();
  }

  /**
   * Changes a rollout of the step that is held: the policy goes on after what was written, and the batch is scored again.
   * What is written here is never trained on.
   *
   * @example
   * await run.hold();
   * await run.intervene({ group: 0, sample: 2, edit: { kind: "output", turn: 1, text: "12\n" } });
   * await run.intervene({ group: 1, sample: 0, edit: { kind: "write", token: 40, text: "Let me check that. " } });
   * await run.resume();
   * @returns the batch as it is now.
   * @throws InvalidInputError where no step is held, and for a change that does not fit; nothing is changed then.
   */
  async intervene({ group, sample, edit }: InterveneOptions): Promise<Batch> {
    const { step } = this.#heldBatch();
    await this.#send({ type: "intervene", step: step + 1, group, sample, edit });
    return this.#heldBatch();
  }

  /** Waits until it stands still. */
  async #stood(): Promise<void> {
    await this.#loop.standing();
    if (this.status === "failed") await this.done;
  }

  #heldBatch(): Batch {
    const { held } = this.#loop;
    if (held) return held.batch;
    throw new InvalidInputError("No step is held: there are no rollouts to change.", "Call hold() first.");
  }

  /** Writes a checkpoint of the last whole step and keeps it for good. */
  mark(label: string): Promise<void> {
    if (!label) throw new InvalidInputError('A mark needs a name, for example mark("good").');
    return this.#send({ type: "checkpoint", label });
  }

  /**
   * Goes back to the state after `step`, with the settings of now; the steps after it are left behind, and the training
   * goes on to where it was to end.
   *
   * @throws CheckpointError when there is no way to that step, InvalidInputError when it is not an earlier one.
   */
  rewind(step: number): Promise<void> {
    return this.#send({ type: "rewind", step });
  }

  /** Ends after the step in flight. */
  async stop(): Promise<void> {
    if (this.#loop.isOver) return;
    await this.#send({ type: "stop" });
    await this.done;
  }

  [displaySymbol](): MimeBundle {
    return this.#loop.panel?.[displaySymbol]() ?? { "text/plain": `${this.#loop.title}: starting` };
  }

  #send(command: CommandInput): Promise<void> {
    return this.#loop.send(command, "this notebook");
  }
}
