import { InvalidInputError } from "../../base/errors.ts";
import { Part, type PartOptions } from "../../parts/index.ts";

/** A hyperparameter as a function of the step, from 0. */
export type ScheduleFunction = (step: number) => number;

/** Steps at which a schedule is looked at before any is trained. */
export const stepsTried = 2000;

/** A schedule of the user's own, with its code on record; see {@link Part}. */
export class OwnSchedule extends Part {
  readonly #value: ScheduleFunction;

  /** @throws InvalidInputError where it gives no finite number, or for the same step another one the second time. */
  constructor(name: string, value: ScheduleFunction, { uses }: PartOptions) {
    super("schedule", { name, functions: { code: value }, uses });
    this.#value = value;
    for (let step = 0; step < stepsTried; step++) {
      const [once, twice] = [this.at(step), this.at(step)];
      if (once !== twice)
        throw this.#refusal(
          `gave ${once} and then ${twice} for step ${step}`,
          "It must depend on the step alone: a run could not be repeated otherwise.",
        );
    }
  }

  /** Its value at a step, from 0. */
  at(step: number): number {
    const value: unknown = this.#value(step);
    if (value instanceof Promise) throw this.#refusal("is asynchronous", "Return the number at once.");
    if (typeof value !== "number" || !Number.isFinite(value))
      throw this.#refusal(`gave ${String(value)} for step ${step}`, "Return a finite number for every step.");
    return value;
  }

  #refusal(what: string, hint: string): InvalidInputError {
    return new InvalidInputError(`The schedule ${JSON.stringify(this.name)} ${what}.`, hint);
  }
}

/**
 * A schedule of your own, for any hyperparameter that may follow one. Its values at the first 2,000 steps are checked at
 * once; after that that they are finite.
 *
 * @example
 * trainer.config.maxToolCalls = schedule("grows-late", (step) => (step < 50 ? 2 : 2 + Math.floor(step / 50)));
 * @throws InvalidInputError where it gives no finite number, or does not depend on the step alone.
 */
export function schedule(name: string, value: ScheduleFunction, options: PartOptions = {}): OwnSchedule {
  return new OwnSchedule(name, value, options);
}
