import { checkBoolean, checkInRange, checkNumber, checkOptions, checkPositive, checkRange, shown } from "./checks.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What `number` takes. */
export interface NumberOptions extends ControlOptions {
  /** Value at the start. Default: 0, or the limit that is nearest to it. */
  value?: number;
  /** Lowest value. Default: none. */
  min?: number;
  /** Highest value. Default: none. */
  max?: number;
  /** What the arrow keys add. Default: 1 for whole numbers, else any number will do. */
  step?: number;
  /** Whether only whole numbers will do. Default: false. */
  integer?: boolean;
}

const known = [...controlOptions, "value", "min", "max", "step", "integer"] as const;

/** A number that is typed. */
export class NumberField extends ValueControl<number> {
  constructor(options: NumberOptions = {}) {
    const what = "number";
    checkOptions(what, options, known);
    const isWhole = checkBoolean(what, "integer", options.integer ?? false);
    const isBounded = options.min !== undefined || options.max !== undefined;
    const highest = isWhole ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
    const range = checkRange(what, options.min ?? -highest, options.max ?? highest);
    const check = (value: unknown): number => {
      const number = isBounded ? checkInRange(what, "value", value, range) : checkNumber(what, "value", value);
      if (isWhole && !Number.isSafeInteger(number)) {
        throw new RangeError(
          `${what}: value ${shown(value)} is no whole number. Give one, or leave out integer: true.`,
        );
      }
      return number;
    };
    const field = isWhole ? "IntText" : "FloatText";
    super({
      what,
      identity: control(isBounded ? `Bounded${field}` : field, field),
      style: style("Description"),
      options,
      state: {
        value: check(options.value ?? Math.min(Math.max(0, range.min), range.max)),
        ...(isBounded ? range : {}),
        step: options.step === undefined ? (isWhole ? 1 : null) : checkPositive(what, "step", options.step),
        continuous_update: false,
      },
      read: (state) => state.value as number,
      write: (value) => ({ value: check(value) }),
    });
  }
}

/**
 * Makes a field for a number, which counts once the person leaves it or presses Enter.
 * @throws TypeError or RangeError for options that do not fit each other
 *
 * @example
 * const steps = number({ label: "steps", value: 100, min: 1, integer: true });
 */
export function number(options: NumberOptions = {}): NumberField {
  return new NumberField(options);
}
