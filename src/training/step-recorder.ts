import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run, Timeline } from "../recording/index.ts";
import { checkpointFiles } from "./checkpoint-files.ts";
import { rolloutRecords } from "./rollout-records.ts";
import type { StepReport, StepTaker } from "./types.ts";

/** Writes down what a training does, in its run's folder: an event comes after all that it tells of is on disk. */
export class StepRecorder {
  readonly run: Run;
  readonly #trainer: StepTaker;
  readonly #timeline: Timeline;
  /** Told when the checkpoints that are always kept take more than is allowed. */
  readonly #onFull: (text: string) => void;

  private constructor(trainer: StepTaker, run: Run, timeline: Timeline, onFull: (text: string) => void) {
    this.#trainer = trainer;
    this.run = run;
    this.#timeline = timeline;
    this.#onFull = onFull;
  }

  /** Records a training into a run that this process has acquired. */
  static async of(trainer: StepTaker, run: Run, onFull: (text: string) => void): Promise<StepRecorder> {
    return new StepRecorder(trainer, run, await run.timeline(), onFull);
  }

  /** Records the training's beginning, with a checkpoint of where it begins. */
  async begin(): Promise<void> {
    this.noteRewind();
    this.run.append({ type: "run-started", step: this.#trainer.step, config: plain(this.#trainer.config) });
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
    if (changes.length) this.run.append({ type: "config", step, changes: Object.fromEntries(changes) });
  }

  /** Records a step, with a checkpoint where one is due. */
  async record({ step, metrics, batch, alerts, seconds }: StepReport): Promise<void> {
    await this.run.writeRollouts(step, rolloutRecords(batch));
    this.run.append({
      type: "step",
      step,
      metrics: { ...metrics, secondsCollect: seconds.collect, secondsUpdate: seconds.update },
    });
    for (const { message: text, ...alert } of alerts)
      this.run.append({
        ...alert,
        type: "alert",
        step,
        text,
        value: Number.isFinite(alert.value) ? alert.value : null,
      });
    const every = this.#trainer.config.checkpointEvery;
    if (every && step % every === 0) await this.checkpoint();
  }

  async checkpoint(label?: string): Promise<void> {
    const { policy, config } = this.#trainer;
    const state = await this.#trainer.checkpoint();
    await this.run.saveCheckpoint(state.step, await checkpointFiles(policy, state), label);
    const { maxBytes } = config.checkpoints;
    const bytes = await this.run.pruneCheckpoints(config.checkpoints);
    if (bytes > maxBytes)
      this.#onFull(`the checkpoints that are always kept take ${bytes} bytes, more than maxBytes (${maxBytes})`);
  }

  /** A checkpoint of the trainer's state, unless there is one of this step and these weights. */
  async save(): Promise<void> {
    const { step, policy } = this.#trainer;
    const checkpoint = (await this.run.validCheckpoints()).find((one) => one.step === step);
    if (checkpoint) {
      const state = JSON.parse(await readFile(join(checkpoint.path, "trainer.json"), "utf8")) as unknown;
      if ((state as { policyVersion?: unknown }).policyVersion === policy.version) return;
    }
    await this.checkpoint();
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
