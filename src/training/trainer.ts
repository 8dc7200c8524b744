import { CheckpointError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { type CheckpointFiles, Run } from "../recording/index.ts";
import type { Batch } from "./batch.ts";
import { checkpointFiles, readCheckpointFiles } from "./checkpoint-files.ts";
import { trainerConfigSchema } from "./config.ts";
import { type ForkOptions, forkTrainer } from "./fork.ts";
import type { HeldStep } from "./held-step.ts";
import type { Learner } from "./learner.ts";
import { OpenSteps } from "./open-steps.ts";
import { type RolloutsOf, recordedRollouts } from "./recorded-rollouts.ts";
import { type ReplayOptions, type ReplayReport, replayStep } from "./replay.ts";
import { type ResumeOptions, resumeTrainer } from "./resume.ts";
import { bringTo, refuseWhileBusy } from "./rewind.ts";
import { rolloutRecords } from "./rollout-records.ts";
import { createTrainerRun, type NewRunOptions } from "./run-folder.ts";
import { RunHandle } from "./run-handle.ts";
import { settingsTable } from "./settings-table.ts";
import type { TrainOptions } from "./train-options.ts";
import { rolloutView } from "./train-panel.ts";
import { TrainRun } from "./train-run.ts";
import type { StepReport, TrainerCheckpoint } from "./types.ts";

/**
 * Tool-augmented reinforcement learning, one step at a time: `train` only composes `collect`, `advantages` and `update`,
 * and each can be called alone on any batch.
 *
 * @example
 * const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset });
 * const batch = await trainer.collect();
 * const advantages = trainer.advantages(batch);
 * await trainer.update(batch, advantages);
 * for await (const step of trainer.train(40)) console.log(step.metrics.accuracy);
 */
export class Trainer extends OpenSteps implements Learner<StepReport> {
  readonly view = rolloutView;
  readonly settingsSchema = trainerConfigSchema;
  #run: Run | undefined;

  /**
   * Trains for `steps` more steps. Iterate over it, or await `done()`; interrupting leaves the last whole step, and
   * calling `train` again goes on from there.
   */
  train(steps: number, options: TrainOptions = {}): TrainRun {
    return new TrainRun(this, steps, options);
  }

  /**
   * Trains for `steps` more steps beside the cells: returns at once. The panel stays under this cell.
   *
   * @throws InvalidInputError while another training of this trainer goes on.
   */
  start(steps: number, options: TrainOptions = {}): RunHandle {
    return new RunHandle(this, steps, options);
  }

  /**
   * One whole step: collect, score, advantages, update. The step counts once its update is done.
   *
   * @param batch a scored batch of this step to train on in place of a new one.
   * @throws InvalidInputError for a batch of another step.
   */
  trainStep(batch?: Batch): Promise<StepReport> {
    return this.turns.take("A step of its own", () => this.takeStep(batch));
  }

  /**
   * One whole step whose rollouts may be changed between collecting and updating.
   *
   * @example
   * await trainer.reviewedStep((held) => held.intervene({ group: 0, sample: 1, edit: { kind: "output", turn: 1, text: "42\n" } }));
   * @param review the update follows once it resolves; the step is nothing if it rejects.
   */
  reviewedStep(review: (held: HeldStep) => Promise<void>): Promise<StepReport> {
    return this.turns.take("Another step", () => this.takeStep(undefined, review));
  }

  /**
   * Weights, optimizer state and step: what a resumed run needs.
   *
   * @throws InvalidInputError while a step is held.
   */
  checkpoint(): Promise<TrainerCheckpoint> {
    return this.turns.take("A checkpoint", () => this.state.checkpoint());
  }

  /**
   * Goes back, or on, to a checkpoint; training from there equals training that was never stopped.
   *
   * @throws InvalidInputError while a step is held.
   */
  restore(checkpoint: TrainerCheckpoint): Promise<void> {
    return this.turns.take("Taking up a checkpoint", () => this.state.restore(checkpoint));
  }

  /** The state as the files of a checkpoint. */
  async save(): Promise<{ step: number; files: CheckpointFiles }> {
    const state = await this.checkpoint();
    return { step: state.step, files: await checkpointFiles(this.policy, state) };
  }

  /** Takes up the state that a checkpoint's files hold. */
  async load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    return this.restore(readCheckpointFiles(this.policy, files, where));
  }

  /** A step's rollouts as its file in the run's folder holds them. */
  records({ batch, advantages }: StepReport): readonly unknown[] {
    return rolloutRecords(batch, { ...advantages, tokens: this.config });
  }

  /** The recorded run that this trainer's steps belong to: one that exists, or a new one in `folder` on first use. */
  async openRun(folder: string | Run, options: NewRunOptions = {}): Promise<Run> {
    if (folder instanceof Run) this.#run = folder;
    this.#run ??= await createTrainerRun(this, { ...this.config }, folder as string, options);
    return this.#run;
  }

  /**
   * Goes back to the state after `step`: the nearest checkpoint of this trainer's run at or before it, then the steps
   * from there again, each with the settings that held for it, which gives the same weights as before. The settings stay
   * what they are now. Until the next step is trained, rewinding forward again undoes it.
   *
   * @throws CheckpointError when there is no way to that step, InvalidInputError while a run of this trainer goes on or
   * holds a step.
   */
  async rewind(step: number): Promise<void> {
    refuseWhileBusy(this, "Rewinding");
    this.turns.refuse("Rewinding");
    if (!this.#run) throw new CheckpointError(`There is no way back to step ${step}: the training is not recorded.`);
    await bringTo(this, this.#run, step);
  }

  /**
   * A trainer of its own that begins in this one's state, or in that after an earlier step with the settings of then, and
   * goes on identically if nothing is changed. Its run's folder names the parent.
   *
   * @throws CheckpointError when there is no way back to that step, InvalidInputError while a step is held.
   */
  async fork(options: ForkOptions = {}): Promise<Trainer> {
    this.turns.refuse("Forking");
    const { lab, interpreter, tools, intervention, taskset, reward, papers, recipe, parts } = this;
    const same = { lab, interpreter, tools, intervention, taskset, reward, papers, recipe, parts };
    return forkTrainer(this, this.#run, (policy, settings) => new Trainer({ ...settings, ...same, policy }), options);
  }

  /**
   * The rollouts of a recorded step, as they were last recorded: all of them, or those that an alert names.
   *
   * @example
   * await trainer.rollouts(step.alerts[0]);
   * await trainer.rollouts({ step: 27 });
   * @throws RecordingError when the step's rollouts were not recorded.
   */
  rollouts(of: RolloutsOf): Promise<Batch> {
    return recordedRollouts(this.policy.tokenizer, this.#run, of);
  }

  /**
   * Trains a recorded step's rollouts again, on a branch that begins where that step did, and compares with what was
   * recorded. Nothing is changed.
   *
   * @param options `reward`: judges the rollouts anew. Default: the run's own.
   * @throws RecordingError when the step's rollouts were not recorded.
   */
  replay(step: number, options: ReplayOptions = {}): Promise<ReplayReport> {
    return replayStep((at) => this.fork({ step: at, record: false }), this.#run, step, options);
  }

  /**
   * A trainer that goes on with a recorded run, from its folder alone; code of your own must be given, and one that was
   * changed since is refused with the difference, unless `allowChanged` is true.
   *
   * @example
   * const trainer = await Trainer.resume("runs/20260801-120000-tiny-math-arithmetic");
   * const other = await Trainer.resume("runs/20260801-130000-mine", { parts: [lengthAware, medianBaseline] });
   * await trainer.train(20).done();
   * @throws RecordingError for a folder that is no run, is damaged, of a newer version, or being trained; CheckpointError for
   * a run without checkpoints or a policy of another architecture; InvalidInputError naming a part that must be given.
   */
  static async resume(folder: string, options: ResumeOptions = {}): Promise<Trainer> {
    return resumeTrainer(folder, options, (parts, settings) => new Trainer({ ...settings, ...parts }));
  }

  /**
   * Frees the optimizer's state and programs; the policy stays. A trainer that has trained takes no further step then,
   * unless it goes back to a checkpoint.
   *
   * @throws InvalidInputError while a step is held.
   */
  close(): Promise<void> {
    return this.turns.take("Closing", () => this.state.close());
  }

  [displaySymbol](): unknown {
    const caption = `Trainer at step ${this.step}: ${this.policy.name} on ${this.taskset.name}`;
    return settingsTable(this.config, caption);
  }
}
