import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf } from "../base/files.ts";
import { type Checkpoint, type Run, type Timeline, writeSettingsSchema } from "../recording/index.ts";
import type { HeldStep } from "./held-step.ts";
import { type Learner, type LearnerStep, timesOf } from "./learner.ts";
import { recordParts } from "./parts/part-files.ts";

/** Writes down what a training does, in its run's folder: an event comes after all that it tells of is on disk. */
export class StepRecorder<S extends LearnerStep> {
  readonly run: Run;
  readonly #trainer: Learner<S>;
  readonly #timeline: Timeline;
  /** Told when the checkpoints that are always kept take more than is allowed. */
  readonly #onFull: (text: string) => void;

  private constructor(trainer: Learner<S>, run: Run, timeline: Timeline, onFull: (text: string) => void) {
    this.#trainer = trainer;
    this.run = run;
    this.#timeline = timeline;
    this.#onFull = onFull;
  }

  /** Records a training into a run that this process has acquired. */
  static async of<S extends LearnerStep>(
    trainer: Learner<S>,
    run: Run,
    onFull: (text: string) => void,
  ): Promise<StepRecorder<S>> {
    return new StepRecorder(trainer, run, await run.timeline(), onFull);
  }

  /** Records the beginning of a training of `count` steps, with a checkpoint of where it begins. */
  async begin(count: number): Promise<void> {
    this.noteRewind();
    if (this.#trainer.settingsSchema) await writeSettingsSchema(this.run.folder, this.#trainer.settingsSchema);
    this.run.append({ type: "run-started", step: this.#trainer.step, config: plain(this.#trainer.config), count });
    await this.save();
  }

  /** Steps that were recorded beyond where the trainer stands are left behind from here on. */
  noteRewind(): void {
    const { step } = this.#trainer;
    if (this.#timeline.step > step) this.run.append({ type: "rewound", step });
  }

  /** Records what has changed since the last step, by whatever means. */
  noteSettings(): void {
    const now = plain(this.#trainer.config);
    const { step } = this.#trainer;
    const known = this.#timeline.settingsAt(this.run.config.config, step);
    const changes = Object.entries(now).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name]),
    );
    if (!changes.length) return;
    recordParts(this.run.folder, this.#trainer.parts);
    this.run.append({ type: "config", step, changes: Object.fromEntries(changes) });
  }

  /** Records a step, with a checkpoint where one is due. */
  async record(report: S): Promise<void> {
    const { step, metrics, alerts, changes = [], interventions = [] } = report;
    if (this.#trainer.records) await this.run.writeRollouts(step, this.#trainer.records(report));
    for (const change of interventions) this.run.append({ type: "intervention", ...change });
    this.run.append({
      type: "step",
      step,
      metrics: { ...metrics, ...timesOf(report) },
    });
    for (const { message: text, ...alert } of alerts)
      this.run.append({
        ...alert,
        type: "alert",
        step,
        text,
        value: Number.isFinite(alert.value) ? alert.value : null,
      });
    for (const change of changes) this.run.append({ type: "course", ...change });
    const every = this.#trainer.config.checkpointEvery;
    if (every && step % every === 0) await this.checkpoint();
  }

  /** Records the rollouts of a step that waits for its update, as they are now. */
  async recordHeld(held: HeldStep): Promise<void> {
    await this.run.writeRollouts(held.step, held.records());
  }

  async checkpoint(label?: string): Promise<void> {
    const { config } = this.#trainer;
    const { step, files } = await this.#trainer.save();
    await this.run.saveCheckpoint(step, files, label);
    const { maxBytes } = config.checkpoints;
    const bytes = await this.run.pruneCheckpoints(config.checkpoints);
    if (bytes > maxBytes)
      this.#onFull(`the checkpoints that are always kept take ${bytes} bytes, more than maxBytes (${maxBytes})`);
  }

  /** A checkpoint of the trainer's state, unless there is one of this step and these weights. */
  async save(): Promise<void> {
    const { step, version } = this.#trainer;
    const checkpoint = (await this.run.validCheckpoints()).find((one) => one.step === step);
    if (checkpoint) {
      const state = JSON.parse(await readFile(join(checkpoint.path, "trainer.json"), "utf8")) as unknown;
      // Versions count changes: a state that was restored from elsewhere may have come to the same number.
      if ((state as { policyVersion?: unknown }).policyVersion === version && (await this.#isIn(checkpoint))) return;
    }
    await this.checkpoint();
  }

  /** Whether a checkpoint holds the tensors that the trainer holds now. */
  async #isIn({ path }: Checkpoint): Promise<boolean> {
    const { files } = await this.#trainer.save();
    for (const [name, data] of Object.entries(files)) {
      if (!name.endsWith(".safetensors")) continue;
      const stored = await readFile(join(path, name)).catch(() => undefined);
      if (!stored?.equals(bytesOf(data))) return false;
    }
    return true;
  }

  /** Records the training's end. */
  finish(reason: "completed" | "paused" | "stopped" | "interrupted" | "failed", failure?: unknown): void {
    const error = reason === "failed" ? { error: String(failure) } : {};
    this.run.append({ type: "run-finished", step: this.#trainer.step, reason, ...error });
  }
}

/** A value as JSON holds it. */
function plain(value: object): Record<string, never> {
  return JSON.parse(JSON.stringify(value)) as Record<string, never>;
}
