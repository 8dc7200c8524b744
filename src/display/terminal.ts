import { type Clock, systemClock } from "./throttle.ts";

/** The part of a terminal stream that is needed here; `process.stderr` is one. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** How often a status is repeated where lines cannot be rewritten, as in a log file. */
const logIntervalMs = 10_000;

/** Writes and never throws: a closed pipe must not end a training. */
export function writeText(stream: TextStream, text: string): void {
  try {
    stream.write(text);
  } catch {
    // Nobody reads; the work goes on.
  }
}

/** One line of a terminal that is rewritten in place; in a log, a line now and then and the last one. */
export class StatusLine {
  readonly #stream: TextStream;
  readonly #clock: Clock;
  #lastLogged: number | undefined;

  constructor({ stream = process.stderr as TextStream, clock = systemClock } = {}) {
    this.#stream = stream;
    this.#clock = clock;
  }

  write(text: string): void {
    if (this.#stream.isTTY) {
      writeText(this.#stream, `\r\x1b[2K${this.#cut(text)}`);
      return;
    }
    const now = this.#clock.now();
    this.#lastLogged ??= now; // The first line comes after an interval: short work logs only its end.
    if (now - this.#lastLogged < logIntervalMs) return;
    this.#lastLogged = now;
    writeText(this.#stream, `${text}\n`);
  }

  /** The line's final state; what is written afterwards starts on a new line. */
  end(text: string): void {
    writeText(this.#stream, this.#stream.isTTY ? `\r\x1b[2K${this.#cut(text)}\n` : `${text}\n`);
  }

  #cut(text: string): string {
    return [...text].slice(0, (this.#stream.columns || 80) - 1).join("");
  }
}
