import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { formatDuration, formatNumber } from "./format.ts";
import { displaySymbol, type MimeBundle } from "./host.ts";
import { html, type SafeHtml } from "./html.ts";
import { plainText } from "./plain-text.ts";
import { type BarGroup, type GroupedBar, groupFor } from "./progress-group.ts";
import { isInterrupted } from "./session.ts";
import type { TextStream } from "./terminal.ts";
import { type Clock, systemClock } from "./throttle.ts";

export interface ProgressOptions {
  /** What is being done; stands before the bar. */
  label?: string;
  /** What is counted, in the plural, for example `"rollouts"`. */
  unit?: string;
  /** How many there are, where the items do not tell. Default: their `length` or `size`. */
  total?: number;
  /** Default: the system's. */
  clock?: Clock;
  /** Where it is written without a notebook. Default: standard error. */
  stream?: TextStream;
}

/**
 * A progress bar with rate and remaining time. It is redrawn at most ten times a second, and its last state is always
 * shown. Bars that count at the same time, such as those of nested loops, share one output: below each other in a
 * notebook, side by side in one line of text.
 */
export class ProgressBar implements GroupedBar {
  /** How many there are; undefined when nobody knows. */
  readonly total: number | undefined;
  readonly #label: string;
  readonly #unit: string;
  readonly #clock: Clock;
  readonly #group: BarGroup;
  readonly #started: number;
  #count = 0;
  #text = "";
  #finished: number | undefined;

  /** @throws InvalidInputError for a total that is no number of things. */
  constructor(total: number | undefined, options: ProgressOptions = {}) {
    const { label = "", unit = "", clock = systemClock, stream } = options;
    if (total !== undefined && !(Number.isFinite(total) && total >= 0))
      throw new InvalidInputError(
        `The total of a progress bar must be a number of 0 or more, was ${plainText(total)}.`,
      );
    this.total = total;
    this.#label = label;
    this.#unit = unit;
    this.#clock = clock;
    this.#started = clock.now();
    this.#group = groupFor({ clock, stream });
    this.#group.add(this);
  }

  /** How many are done. */
  get count(): number {
    return this.#count;
  }

  /** Whether it shows its final state. */
  get isDone(): boolean {
    return this.#finished !== undefined;
  }

  /** Sets how many are done; `text` stands after the figures until it is replaced. */
  set(count: number, options: { text?: string } = {}): void {
    if (this.isDone) return;
    this.#count = count;
    if (options.text !== undefined) this.#text = options.text;
    this.#group.changed();
  }

  /** Adds `count` to how many are done. Default 1. */
  advance(count = 1, options: { text?: string } = {}): void {
    this.set(this.#count + count, options);
  }

  /** Shows the final state; later calls do nothing. */
  done(text?: string): void {
    if (this.isDone) return;
    if (text !== undefined) this.#text = text;
    this.#finished = this.#clock.now();
    this.#group.changed();
  }

  /** The state in one line. */
  toString(): string {
    return this.toText(24);
  }

  /** The state in one line, with a bar of `width` characters. */
  toText(width: number): string {
    const share = this.#share();
    const filled = share === undefined ? 0 : Math.round(share * width);
    const bar = share === undefined ? "" : `${"━".repeat(filled)}${"╌".repeat(width - filled)}`;
    return [this.#label, bar, this.#figures()].filter(Boolean).join(" ");
  }

  /** The state as markup for a page. */
  toHtml(): SafeHtml {
    const share = this.#share();
    const bar =
      share === undefined
        ? undefined
        : html`<span style="display:inline-block;width:180px;height:.7em;background:#8884;border-radius:4px;overflow:hidden;vertical-align:baseline"><span style="display:block;height:100%;width:${(100 * share).toFixed(1)}%;background:#2a84c0"></span></span> `;
    const label = this.#label ? html`<b>${this.#label}</b> ` : undefined;
    return html`${label}${bar}${this.#figures()}`;
  }

  /** As a result: its state in text; the bar itself is drawn where it was made. */
  [displaySymbol](): MimeBundle {
    return { "text/plain": this.toString() };
  }

  #share(): number | undefined {
    if (this.total === undefined) return undefined;
    return this.total > 0 ? Math.min(1, Math.max(0, this.count / this.total)) : 1;
  }

  #figures(): string {
    const { count, total } = this;
    const elapsed = (this.#finished ?? this.#clock.now()) - this.#started;
    const perMs = elapsed > 0 ? count / elapsed : 0;
    const amount = `${formatNumber(count)}${total === undefined ? "" : `/${formatNumber(total)}`}${this.#unit && ` ${this.#unit}`}`;
    const rate = perMs > 0 ? `${formatNumber(perMs * 1000, 3)}/s` : "";
    const left =
      this.#finished !== undefined
        ? `in ${formatDuration(elapsed)}`
        : total !== undefined && perMs > 0 && count < total
          ? `${formatDuration((total - count) / perMs)} left`
          : "";
    return [amount, rate, left, this.#text].filter(Boolean).join(" · ");
  }
}

/** Items that count themselves while a loop takes them. */
export interface ProgressItems<T> extends Iterable<T>, AsyncIterable<T> {}

/**
 * A progress bar with rate and remaining time, under the running cell or as one line in a terminal. With items, the
 * items themselves, counted as a loop takes them; with `{ total }`, a bar to move by hand. A loop ends with an
 * `InterruptedError` when the cell is interrupted, and the bar shows its last state however the loop ends. Nested loops
 * share one output.
 *
 * @throws InvalidInputError for what is neither items nor `{ total }`.
 * @example
 * for (const seed of progress([1, 2, 3], { label: "seeds" })) await runOne(seed);
 * for await (const line of progress(lines, { total: 1000, unit: "lines" })) read(line);
 * const bar = progress({ total: 100 }, { unit: "rollouts" });
 * bar.advance();
 * bar.set(40, { text: "accuracy 0.31" });
 * bar.done();
 */
export function progress<T>(items: Iterable<T>, options?: ProgressOptions): ProgressItems<T>;
export function progress<T>(items: AsyncIterable<T>, options?: ProgressOptions): AsyncIterable<T>;
export function progress(work: { total?: number }, options?: ProgressOptions): ProgressBar;
export function progress<T>(
  work: Iterable<T> | AsyncIterable<T> | { total?: number },
  options: ProgressOptions = {},
): ProgressBar | ProgressItems<T> | AsyncIterable<T> {
  if (typeof work !== "string" && (typeof work !== "object" || work === null))
    throw new InvalidInputError(
      `progress takes items or { total }, was given ${plainText(work)}.`,
      typeof work === "number" ? `Write progress({ total: ${work} }).` : undefined,
    );
  const items = Object(work) as Iterable<T> | AsyncIterable<T> | { total?: number };
  if (Symbol.iterator in items)
    return {
      [Symbol.iterator]: () => countSync(items, options),
      [Symbol.asyncIterator]: () => countAsync(items, options),
    };
  if (Symbol.asyncIterator in items) return { [Symbol.asyncIterator]: () => countAsync(items, options) };
  return new ProgressBar(items.total ?? options.total, options);
}

function* countSync<T>(items: Iterable<T>, options: ProgressOptions): Generator<T> {
  const bar = new ProgressBar(options.total ?? sizeOf(items), options);
  try {
    for (const item of items) {
      stopIfInterrupted();
      yield item;
      bar.advance();
    }
  } finally {
    bar.done();
  }
}

async function* countAsync<T>(items: Iterable<T> | AsyncIterable<T>, options: ProgressOptions): AsyncGenerator<T> {
  const bar = new ProgressBar(options.total ?? sizeOf(items), options);
  try {
    for await (const item of items) {
      stopIfInterrupted();
      yield item;
      bar.advance();
    }
  } finally {
    bar.done();
  }
}

/** Does not ask for the signal: a loop needs no time to stop in good order. */
function stopIfInterrupted(): void {
  if (isInterrupted()) throw new InterruptedError();
}

function sizeOf(items: object): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown };
  return typeof length === "number" ? length : typeof size === "number" ? size : undefined;
}
