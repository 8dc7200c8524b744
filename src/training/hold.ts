import { InvalidInputError } from "../base/errors.ts";
import type { Change, HeldStep } from "./held-step.ts";
import { betweenSteps } from "./turns.ts";

/** Whether a training is to stop between collecting and updating, and where it does. */
export class Hold {
  /** The next step is to be held. */
  isWanted = false;
  #held: HeldStep | undefined;

  /** The step that waits for its update. */
  get held(): HeldStep | undefined {
    return this.#held;
  }

  /** @throws InvalidInputError where a step is held already, or steps collect no rollouts. */
  ask(learner: { reviewedStep?: unknown }): void {
    if (!learner.reviewedStep)
      throw new InvalidInputError("The steps of this training collect no rollouts: there is nothing to hold.");
    if (this.#held) throw new InvalidInputError(`Step ${this.#held.step} is held already.`, "Resume to go on.");
    this.isWanted = true;
  }

  /** The step is held while `wait` waits. */
  async during(held: HeldStep, wait: () => Promise<void>): Promise<void> {
    this.isWanted = false;
    this.#held = held;
    try {
      await wait();
    } finally {
      this.end();
    }
  }

  /** Lets the step go on. */
  end(): void {
    this.#held = undefined;
  }

  /** @throws InvalidInputError while a step is held: what is asked for has its place between two steps. */
  refuse(what: string): void {
    if (this.#held) throw betweenSteps(what, this.#held.step);
  }

  /** @throws InvalidInputError where another step is held, or none, and for a change that does not fit. */
  async intervene(step: number, change: Change): Promise<HeldStep> {
    const held = this.#held;
    if (!held)
      throw new InvalidInputError("No step is held: there are no rollouts to change.", "Hold the next step first.");
    if (held.step !== step) throw new InvalidInputError(`Step ${held.step} is held, not step ${step}.`);
    await held.intervene(change);
    return held;
  }
}
