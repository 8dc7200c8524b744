import { checkFunction, shown } from "./checks.ts";
import { Listeners } from "./listeners.ts";
import type { Identity, State } from "./model.ts";
import { Control, type ControlOptions, controlState, labelStyle } from "./widget.ts";

interface ValueParts<T> {
  what: string;
  identity: Identity;
  style: Identity;
  options: ControlOptions;
  /** State beside label, tooltip and the like. */
  state: State;
  /** How the value stands in the state. @throws for a value that the control cannot have */
  write(value: T, state: State): State;
  /** The value of a state. */
  read(state: State): T;
  /** The page's value as it was meant. */
  tidy?(value: T): T;
  /** What holds of changes that the page made; by default what `read` and `write` let through. */
  accept?(changes: State): State;
}

/**
 * A control with a value that both sides change: `value` here, and the person in the page.
 *
 * @example
 * const rate = slider({ label: "learning rate", min: 1e-5, max: 1e-2, value: 1e-3 });
 * rate.onChange((value, previous) => console.log(`${previous} -> ${value}`));
 * rate.value = 5e-3;
 */
export abstract class ValueControl<T> extends Control {
  readonly #parts: ValueParts<T>;
  readonly #listeners: Listeners<[value: T, previous: T]>;
  readonly #ends: Listeners<[]>;

  constructor(parts: ValueParts<T>) {
    const listeners = new Listeners<[T, T]>();
    const ends = new Listeners<[]>();
    const { what, identity, style, options, state } = parts;
    super(
      {
        what,
        identity,
        state: { ...state, ...controlState(what, options) },
        layout: options.layout,
        style: { identity: style, state: labelStyle(options) },
      },
      {
        accept: (changes) => this.#accept(changes),
        changed: (previous) => {
          const [value, before] = [this.value, parts.read(previous)];
          if (!Object.is(value, before)) listeners.call(value, before);
        },
        closed: () => ends.call(),
      },
    );
    this.#parts = parts;
    this.#listeners = listeners;
    this.#ends = ends;
  }

  /** The value now; setting it moves every view. @throws TypeError or RangeError for a value that it cannot have */
  get value(): T {
    return this.#parts.read(this.model.state);
  }
  set value(value: T) {
    this.change(this.#parts.write(value, this.model.state));
  }

  /**
   * Calls `listener` after each change of the value, by the page or by code. What it prints appears under the cell that
   * called `onChange`; an error that it throws is shown there and goes no further.
   * @returns a function that ends this
   */
  onChange(listener: (value: T, previous: T) => unknown): () => void {
    checkFunction(`${this.what}.onChange`, "the listener", listener);
    return this.#listeners.add(listener);
  }

  /**
   * The values from now on, until the control is closed. Of changes that come while the loop is busy, the last counts.
   *
   * @example
   * for await (const value of rate) if (value > 0.005) break;
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    let latest: { value: T } | undefined;
    let wake = (): void => undefined;
    const stop = [
      this.#listeners.add((value) => {
        latest = { value };
        wake();
      }),
      this.#ends.add(() => wake()),
    ];
    try {
      while (latest !== undefined || !this.isClosed) {
        if (latest === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const { value } = latest as { value: T };
        latest = undefined;
        yield value;
      }
    } finally {
      for (const end of stop) end();
    }
  }

  #accept(changes: State): State {
    const { accept, read, write, tidy = (value: T) => value } = this.#parts;
    const { state } = this.model;
    if (accept) return accept(changes);
    try {
      return write(tidy(read({ ...state, ...changes })), state);
    } catch {
      // The page sent what the control cannot have: it stays as it is, and the page is told so.
      return {};
    }
  }

  protected content(): string {
    return shown(this.value);
  }
}
