import { checkBoolean, checkInRange, checkOptions, checkPositive, checkRange, shown } from "./checks.ts";
import { Model, type State } from "./model.ts";
import { Slider } from "./slider.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What `play` takes. */
export interface PlayOptions extends ControlOptions {
  /** A slider that moves along, and whose limits are the default ones. */
  slider?: Slider;
  /** Default: 0. */
  min?: number;
  /** Default: 100. */
  max?: number;
  /** What each beat adds. Default: 1. */
  step?: number;
  /** Value at the start. Default: `min`. */
  value?: number;
  /** Time between two beats, in milliseconds. Default: 100. */
  intervalMs?: number;
  /** Whether it begins again at the end. Default: false. */
  repeat?: boolean;
}

const known = [...controlOptions, "slider", "min", "max", "step", "value", "intervalMs", "repeat"] as const;

/** A number that counts on by itself, in the page, while it plays. */
export class Play extends ValueControl<number> {
  /** Makes the page move the slider without asking here. */
  readonly #link: Model | undefined;

  constructor(options: PlayOptions = {}) {
    const what = "play";
    checkOptions(what, options, known);
    const { slider } = options;
    if (slider !== undefined && !(slider instanceof Slider)) {
      throw new TypeError(`${what}: slider is ${shown(slider)}. Give what slider() made.`);
    }
    const range = checkRange(what, options.min ?? slider?.min ?? 0, options.max ?? slider?.max ?? 100);
    const beat = checkPositive(what, "step", options.step ?? slider?.step ?? 1);
    const check = (value: unknown): number => checkInRange(what, "value", value, range);
    super({
      what,
      identity: control("Play"),
      style: style("Description"),
      options,
      state: {
        ...range,
        step: beat,
        value: check(options.value ?? slider?.value ?? range.min),
        interval: checkPositive(what, "intervalMs", options.intervalMs ?? 100),
        repeat: checkBoolean(what, "repeat", options.repeat ?? false),
        playing: false,
        show_repeat: true,
      },
      read: (state) => state.value as number,
      write: (value) => ({ value: check(value) }),
      accept: (changes) => {
        const accepted: Record<string, unknown> = {};
        for (const name of ["playing", "repeat"])
          if (typeof changes[name] === "boolean") accepted[name] = changes[name];
        const { value } = changes;
        // The page's last beat may miss the end.
        if (typeof value === "number") accepted.value = Math.min(Math.max(value, range.min), range.max);
        return accepted;
      },
    });
    if (!slider) return;
    const ends: State = { source: [this, "value"], target: [slider, "value"] };
    this.#link = new Model({ ...control("Link"), view: null }, ends);
    this.#slider = slider;
  }

  readonly #slider: Slider | undefined;

  override get value(): number {
    return super.value;
  }
  override set value(value: number) {
    super.value = value;
    if (this.#slider && !this.#slider.isClosed) this.#slider.value = value;
  }

  /** Whether it counts on. */
  get playing(): boolean {
    return this.model.state.playing as boolean;
  }
  set playing(isPlaying: boolean) {
    this.change({ playing: checkBoolean(this.what, "playing", isPlaying) });
  }

  override close(): void {
    this.#link?.close();
    super.close();
  }

  protected override content(): string {
    return `${this.value}${this.playing ? ", playing" : ""}`;
  }
}

/**
 * Makes buttons that count: play, pause, stop, repeat. The page must be open for it to count.
 * @throws TypeError or RangeError for options that do not fit each other
 *
 * @example
 * const step = slider({ label: "step", max: trainer.step });
 * row(play({ slider: step, intervalMs: 200 }), step);
 */
export function play(options: PlayOptions = {}): Play {
  return new Play(options);
}
