import { displaySymbol } from "../display/host.ts";
import type { MimeBundle } from "../display/index.ts";
import type { Learner, LearnerStep, StepRecord } from "./learner.ts";
import { TrainLoop } from "./train-loop.ts";
import type { TrainOptions } from "./train-options.ts";
import type { StepReport } from "./types.ts";

/**
 * Some steps of training under way, which hold the cell. Nothing runs until it is iterated or `done()` is awaited; each
 * step is recorded before it is handed out. Ending the loop early, or interrupting the cell, leaves the last whole step.
 *
 * @example
 * for await (const step of trainer.train(100)) if (step.alerts.length) break;
 * const steps = await trainer.train(20).done();
 */
export class TrainRun<S extends LearnerStep = StepReport> implements AsyncIterable<S> {
  readonly count: number;
  readonly #loop: TrainLoop<S>;

  constructor(trainer: Learner<S>, count: number, options: TrainOptions) {
    this.count = count;
    this.#loop = new TrainLoop(trainer, count, options);
  }

  /** The steps so far, without their rollouts: those lie in the run's folder. */
  get steps(): readonly StepRecord<S>[] {
    return this.#loop.steps;
  }

  /** Takes all steps. */
  async done(): Promise<readonly StepRecord<S>[]> {
    for await (const _step of this);
    return this.steps;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<S> {
    const loop = this.#loop;
    await loop.begin(loop.claim());
    let failure: unknown;
    try {
      for (let step = await loop.next(); step; step = await loop.next()) yield step;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      await loop.close(failure);
    }
  }

  [displaySymbol](): MimeBundle {
    return (
      this.#loop.panel?.[displaySymbol]() ?? { "text/plain": `${this.#loop.title}: ${this.count} steps, not started` }
    );
  }
}
