import { InvalidInputError } from "../base/errors.ts";
import { queue } from "../base/in-turn.ts";

/**
 * Work on a trainer's state: one piece after the other, and none into the middle of a step that is held. It would wait for
 * the end of a step that waits itself.
 */
export class Turns {
  readonly #inTurn = queue();
  #held: number | undefined;

  /** @throws InvalidInputError while a step is held; `what` names the work in the message. */
  async take<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.refuse(what);
    return this.#inTurn(work);
  }

  /** @throws InvalidInputError while a step is held. */
  refuse(what: string): void {
    if (this.#held !== undefined) throw betweenSteps(what, this.#held);
  }

  /** The step, from 1, is held while `wait` waits. */
  async holding(step: number, wait: () => Promise<void>): Promise<void> {
    this.#held = step;
    try {
      await wait();
    } finally {
      this.#held = undefined;
    }
  }
}

/** What is told to work that cannot be done while a step is held. */
export const betweenSteps = (what: string, held: number): InvalidInputError =>
  new InvalidInputError(
    `${what} has its place between two steps, and step ${held} is held in its middle.`,
    "Resume, step or stop first.",
  );
