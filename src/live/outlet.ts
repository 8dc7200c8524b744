import { clearTimeout, setTimeout } from "node:timers";

/**
 * Lets messages out one after another, no more bytes a second than given: a server between a kernel and its page drops
 * what goes beyond its own limit (Jupyter's: a million a second).
 */
export class Outlet<M> {
  readonly #send: (message: M) => void;
  readonly #bytesPerMs: number;
  readonly #queue: { message: M; bytes: number }[] = [];
  /** When the next message may go, by `performance.now()`. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param bytesPerSecond default 600,000. */
  constructor(send: (message: M) => void, bytesPerSecond = 600_000) {
    this.#send = send;
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Milliseconds until a new message could go. */
  get waitMs(): number {
    const queued = this.#queue.reduce((sum, { bytes }) => sum + bytes, 0) / this.#bytesPerMs;
    return Math.max(0, this.#freeAt - performance.now()) + queued;
  }

  say(message: M): void {
    this.#queue.push({ message, bytes: JSON.stringify(message).length });
    if (this.#timer === undefined) this.#next();
  }

  /** What waits is not wanted any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue.length = 0;
  }

  #next(): void {
    this.#timer = undefined;
    for (;;) {
      const wait = this.#freeAt - performance.now();
      if (wait > 0 && this.#queue.length) {
        this.#timer = setTimeout(() => this.#next(), wait).unref();
        return;
      }
      const first = this.#queue.shift();
      if (!first) return;
      this.#freeAt = performance.now() + first.bytes / this.#bytesPerMs;
      this.#send(first.message);
    }
  }
}
