import {
  checkBoolean,
  checkInRange,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkPositive,
  checkRange,
} from "./checks.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What `slider` takes. */
export interface SliderOptions extends ControlOptions {
  /** Lowest value. Default: 0. */
  min?: number;
  /** Highest value. Default: 100, or 1 where a limit or the value is a fraction below 1. */
  max?: number;
  /** Distance of neighbouring values. Default: 1 where all numbers are whole, else a hundredth of the range. */
  step?: number;
  /** Value at the start. Default: `min`. */
  value?: number;
  /** "log" gives each power of ten the same room; then `step` counts in powers of ten (default 0.1). Default: "linear". */
  scale?: "linear" | "log";
  /** Whether values count while the handle moves, and not only when it is let go. Default: true. */
  continuous?: boolean;
  /** Default: "horizontal". */
  orientation?: "horizontal" | "vertical";
}

const known = [...controlOptions, "min", "max", "step", "value", "scale", "continuous", "orientation"] as const;

interface Settings {
  model: "IntSlider" | "FloatSlider" | "FloatLogSlider";
  min: number;
  max: number;
  step: number;
  value: number;
}

function settings(options: SliderOptions): Settings {
  const { min = 0, value, scale = "linear" } = options;
  const isFraction = [min, value].some((number) => number !== undefined && Math.abs(number) < 1 && number !== 0);
  const range = checkRange("slider", min, options.max ?? (isFraction ? 1 : 100));
  const start = checkInRange("slider", "value", value ?? range.min, range);
  if (checkOneOf("slider", "scale", scale, ["linear", "log"]) === "log") {
    if (range.min <= 0) {
      throw new RangeError(`slider: min is ${range.min}, but a scale of powers begins above 0. Give a positive min.`);
    }
    return {
      model: "FloatLogSlider",
      ...range,
      step: checkPositive("slider", "step", options.step ?? 0.1),
      value: start,
    };
  }
  const areWhole = [range.min, range.max, start, options.step ?? 1].every(Number.isInteger);
  const step = checkPositive("slider", "step", options.step ?? (areWhole ? 1 : (range.max - range.min) / 100));
  if (step > range.max - range.min) {
    throw new RangeError(
      `slider: step ${step} is larger than the range from ${range.min} to ${range.max}. Give a smaller one.`,
    );
  }
  return { model: areWhole ? "IntSlider" : "FloatSlider", ...range, step, value: start };
}

/** How the page writes the value (d3-format): no digit too few to tell neighbouring values apart. */
function readout({ model, min, max, step }: Settings): string {
  if (model === "IntSlider") return "d";
  if (model === "FloatLogSlider") return ".3~g";
  const decimals = Math.ceil(-Math.log10(step) - 1e-9);
  if (decimals <= 4) return `.${Math.max(decimals, 1)}f`;
  const digits = Math.ceil(Math.log10(Math.max(Math.abs(min), Math.abs(max)) / step) - 1e-9);
  return `.${Math.min(Math.max(digits, 1), 8)}~e`;
}

/** The page's arithmetic may miss the ends of the range by this part of it. */
const tolerance = 1e-9;

function inside(value: unknown, { min, max }: { min: number; max: number }): number {
  const number = checkNumber("slider", "value", value);
  const slack = (max - min) * tolerance;
  if (number < min && number >= min - slack) return min;
  if (number > max && number <= max + slack) return max;
  return checkInRange("slider", "value", number, { min, max });
}

/** A number between two limits, set by a handle. */
export class Slider extends ValueControl<number> {
  /** Lowest value. */
  readonly min: number;
  /** Highest value. */
  readonly max: number;
  /** Distance of neighbouring values. */
  readonly step: number;

  constructor(options: SliderOptions = {}) {
    checkOptions("slider", options, known);
    const found = settings(options);
    const { model, min, max, step, value } = found;
    const limits =
      model === "FloatLogSlider" ? { base: 10, min: Math.log10(min), max: Math.log10(max), step } : { min, max, step };
    super({
      what: "slider",
      identity: control(model),
      style: style("Slider"),
      options,
      state: {
        ...limits,
        value,
        readout: true,
        readout_format: readout(found),
        continuous_update: checkBoolean("slider", "continuous", options.continuous ?? true),
        orientation: checkOneOf("slider", "orientation", options.orientation ?? "horizontal", [
          "horizontal",
          "vertical",
        ]),
        behavior: "drag-tap",
      },
      read: (state) => state.value as number,
      write: (number) => ({ value: inside(number, found) }),
      // The page adds steps up: 0.0010100000000000001 was meant to be 0.00101.
      tidy: (number) => Number(number.toPrecision(12)),
    });
    this.min = min;
    this.max = max;
    this.step = step;
  }

  protected override content(): string {
    return `${this.value} (${this.min} to ${this.max})`;
  }
}

/**
 * Makes a slider for a number.
 * @throws TypeError or RangeError for options that do not fit each other
 *
 * @example
 * const rate = slider({ label: "learning rate", min: 1e-5, max: 1e-2, step: 1e-5, value: 1e-3 });
 */
export function slider(options: SliderOptions = {}): Slider {
  return new Slider(options);
}
