import { type Display, show } from "./display.ts";
import { displaySymbol, host, type MimeBundle } from "./host.ts";
import { html, type SafeHtml } from "./html.ts";
import { StatusLine, type TextStream } from "./terminal.ts";
import { type Clock, Throttle } from "./throttle.ts";

/** A progress bar as a group shows it. */
export interface GroupedBar {
  readonly isDone: boolean;
  /** The state in one line with a bar of `width` characters. */
  toText(width: number): string;
  toHtml(): SafeHtml;
}

/** Where bars are written without a notebook, and their time. */
export interface Medium {
  readonly clock: Clock;
  readonly stream: TextStream | undefined;
}

const wideBar = 24;
const narrowBar = 8;

/** Bars that count at the same time, such as those of nested loops: one output, one line of text. */
export class BarGroup {
  readonly #medium: Medium;
  readonly #line: StatusLine | undefined;
  readonly #throttle: Throttle;
  #bars: GroupedBar[] = [];
  #display: Display | undefined;

  constructor(medium: Medium) {
    this.#medium = medium;
    this.#line = host() ? undefined : new StatusLine(medium);
    this.#throttle = new Throttle(() => this.#show(), { clock: medium.clock });
  }

  /** Whether a bar that starts now belongs to those here. */
  takes({ clock, stream }: Medium): boolean {
    return this.#medium.clock === clock && this.#medium.stream === stream && !this.#isDone();
  }

  /** A new bar stands below those that still count, in the place of a finished one. */
  add(bar: GroupedBar): void {
    this.#bars = [...this.#bars.slice(0, 1 + this.#bars.findLastIndex(({ isDone }) => !isDone)), bar];
    this.#throttle.request();
  }

  /** A bar has changed. The last state of all is shown at once, others ten times a second at most. */
  changed(): void {
    if (this.#isDone()) this.#throttle.flush();
    else this.#throttle.request();
  }

  toString(): string {
    const width = this.#bars.length > 1 ? narrowBar : wideBar;
    return this.#bars.map((bar) => bar.toText(width)).join(" │ ");
  }

  [displaySymbol](): MimeBundle {
    const lines = this.#bars.map((bar) => html`<div>${bar.toHtml()}</div>`);
    const markup = html`<div style="font-size:13px;font-variant-numeric:tabular-nums">${lines}</div>`;
    return { "text/plain": this.toString(), "text/html": markup.markup };
  }

  #isDone(): boolean {
    return this.#bars.every(({ isDone }) => isDone);
  }

  #show(): void {
    if (this.#line) {
      if (this.#isDone()) this.#line.end(this.toString());
      else this.#line.write(this.toString());
    } else if (this.#display) this.#display.update(this);
    else this.#display = show(this);
  }
}

/** The latest group of each running cell. */
const groups = new Map<string, BarGroup>();
const maxGroups = 100;

/** The group that a bar belongs to which starts now: one that still counts in the same run of the cell, else a new one. */
export function groupFor(medium: Medium): BarGroup {
  const run = host()?.executionId() ?? "";
  const known = groups.get(run);
  if (known?.takes(medium)) return known;
  const group = new BarGroup(medium);
  groups.delete(run);
  groups.set(run, group);
  // Runs whose bars ended or were forgotten.
  if (groups.size > maxGroups) groups.delete(groups.keys().next().value!);
  return group;
}
