import { clearTimeout, setTimeout } from "node:timers";

/** Time as this room needs it, so that tests can set it. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function cancels it. Never keeps the process alive. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** At most ten updates a second reach the page. */
export const updateIntervalMs = 100;

/**
 * Coalesces requests: runs at once when the last run is long enough ago, else once when it is. A loop that never yields
 * gets its runs too, because they do not depend on the timer.
 */
export class Throttle {
  readonly #run: () => void;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #last = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(run: () => void, { intervalMs = updateIntervalMs, clock = systemClock } = {}) {
    this.#run = run;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  request(): void {
    const wait = this.#last + this.#intervalMs - this.#clock.now();
    if (wait <= 0) this.flush();
    else this.#cancel ??= this.#clock.after(wait, () => this.flush());
  }

  /** Runs now, and forgets what was waiting. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#last = this.#clock.now();
    this.#run();
  }
}
