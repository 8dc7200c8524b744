import { type Display, show } from "./display.ts";
import { formatDuration, formatNumber } from "./format.ts";
import { displaySymbol, host, type MimeBundle } from "./host.ts";
import { html } from "./html.ts";
import { throwIfInterrupted } from "./session.ts";
import { StatusLine, type TextStream } from "./terminal.ts";
import { type Clock, systemClock, Throttle } from "./throttle.ts";

export interface ProgressOptions {
  label?: string;
  /** What is counted, in the plural, for example `"rollouts"`. */
  unit?: string;
  /** Default: the system's. */
  clock?: Clock;
  /** Where it is written without a notebook. Default: standard error. */
  stream?: TextStream;
}

const barWidth = 24;

/** A progress bar with rate and time left. It shows itself when it first counts, and at most ten times a second after. */
export class ProgressBar {
  /** How many there are; undefined when nobody knows. */
  readonly total: number | undefined;
  /** How many are done. */
  count = 0;
  readonly #label: string;
  readonly #unit: string;
  readonly #clock: Clock;
  readonly #line: StatusLine | undefined;
  readonly #throttle: Throttle;
  readonly #started: number;
  #text = "";
  #display: Display | undefined;
  #finished: number | undefined;

  constructor(total: number | undefined, options: ProgressOptions = {}) {
    const { label = "", unit = "", clock = systemClock, stream } = options;
    this.total = total;
    this.#label = label;
    this.#unit = unit;
    this.#clock = clock;
    this.#line = host() ? undefined : new StatusLine({ stream, clock });
    this.#throttle = new Throttle(() => this.#show(), { clock });
    this.#started = clock.now();
  }

  /** Sets how many are done; `text` stands after the figures until it is replaced. */
  update(count: number, options: { text?: string } = {}): void {
    if (this.#finished !== undefined) return;
    this.count = count;
    if (options.text !== undefined) this.#text = options.text;
    this.#throttle.request();
  }

  /** Shows the final state; later calls do nothing. */
  done(text?: string): void {
    if (this.#finished !== undefined) return;
    if (text !== undefined) this.#text = text;
    this.#finished = this.#clock.now();
    this.#throttle.flush();
  }

  /** The state in one line. */
  toString(): string {
    const share = this.#share();
    const filled = share === undefined ? 0 : Math.round(share * barWidth);
    const bar = share === undefined ? "" : `${"━".repeat(filled)}${"╌".repeat(barWidth - filled)}`;
    return [this.#label, bar, this.#figures()].filter(Boolean).join(" ");
  }

  [displaySymbol](): MimeBundle {
    const share = this.#share();
    const bar =
      share === undefined
        ? undefined
        : html`<span style="display:inline-block;width:180px;height:.7em;background:#8884;border-radius:4px;overflow:hidden;vertical-align:baseline"><span style="display:block;height:100%;width:${(100 * share).toFixed(1)}%;background:#2a84c0"></span></span> `;
    const label = this.#label ? html`<b>${this.#label}</b> ` : undefined;
    const markup = html`<div style="font-size:13px;font-variant-numeric:tabular-nums">${label}${bar}${this.#figures()}</div>`;
    return { "text/plain": this.toString(), "text/html": markup.markup };
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

  #show(): void {
    if (!this.#line) {
      if (this.#display) this.#display.update(this);
      else this.#display = show(this);
    } else if (this.#finished === undefined) this.#line.write(this.toString());
    else this.#line.end(this.toString());
  }
}

/** Items that count themselves while a loop takes them. */
export interface ProgressItems<T> extends Iterable<T>, AsyncIterable<T> {}

/**
 * A progress bar under the running cell. With a total (or nothing), a bar to update by hand; with items, the items
 * themselves, counted as a loop takes them. Such a loop ends with an `InterruptedError` when the cell is interrupted, and
 * the bar shows its last state however the loop ends.
 *
 * @example
 * for (const seed of progress([1, 2, 3], { label: "seeds" })) await runOne(seed);
 * const bar = progress(100, { unit: "rollouts" });
 * bar.update(40, { text: "accuracy 0.31" });
 * bar.done();
 */
export function progress(total?: number, options?: ProgressOptions): ProgressBar;
export function progress<T>(items: Iterable<T>, options?: ProgressOptions): ProgressItems<T>;
export function progress<T>(items: AsyncIterable<T>, options?: ProgressOptions & { total?: number }): AsyncIterable<T>;
export function progress<T>(
  work: number | Iterable<T> | AsyncIterable<T> | undefined,
  options: ProgressOptions & { total?: number } = {},
): ProgressBar | ProgressItems<T> | AsyncIterable<T> {
  if (work === undefined || typeof work === "number") return new ProgressBar(work, options);
  const total = options.total ?? sizeOf(work);
  const asynchronous = async function* (): AsyncGenerator<T> {
    const bar = new ProgressBar(total, options);
    try {
      for await (const item of work) {
        throwIfInterrupted();
        yield item;
        bar.update(bar.count + 1);
      }
    } finally {
      bar.done();
    }
  };
  if (!(Symbol.iterator in work)) return { [Symbol.asyncIterator]: asynchronous };
  const synchronous = function* (): Generator<T> {
    const bar = new ProgressBar(total, options);
    try {
      for (const item of work) {
        throwIfInterrupted();
        yield item;
        bar.update(bar.count + 1);
      }
    } finally {
      bar.done();
    }
  };
  return { [Symbol.iterator]: synchronous, [Symbol.asyncIterator]: asynchronous };
}

function sizeOf(items: object): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown };
  return typeof length === "number" ? length : typeof size === "number" ? size : undefined;
}
