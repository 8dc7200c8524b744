import type { RequestHandler } from "express";
import { HttpError } from "../api/errors.ts";
import { senderOf } from "./client.ts";

const maxSenders = 10_000;

/** How often a sender may do something: at most `max` times in any `windowMs`. */
export class RateLimit {
  readonly #max: number;
  readonly #windowMs: number;
  /** Times of each sender's last acts, oldest first. */
  readonly #times = new Map<string, number[]>();

  constructor(max: number, windowMs = 60_000) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Seconds until the sender may again; 0 when it may now. */
  waitOf(sender: string): number {
    const since = Date.now() - this.#windowMs;
    const recent = (this.#times.get(sender) ?? []).filter((at) => at > since);
    return recent.length < this.#max ? 0 : Math.max(1, Math.ceil((recent.at(-this.#max)! - since) / 1000));
  }

  /** Counts an act of the sender. */
  count(sender: string): void {
    const now = Date.now();
    const times = (this.#times.get(sender) ?? []).filter((at) => at > now - this.#windowMs).slice(-this.#max);
    // Set anew, so that the map's order is that of the last acts.
    this.#times.delete(sender);
    this.#times.set(sender, [...times, now]);
    if (this.#times.size > maxSenders) this.#times.delete(this.#times.keys().next().value!);
  }

  forget(sender: string): void {
    this.#times.delete(sender);
  }

  /** Refuses, with 429 and `Retry-After`, a request that comes too soon; counts the others. */
  guard(message: string): RequestHandler {
    return (request, response, next) => {
      const sender = senderOf(request);
      const wait = this.waitOf(sender);
      if (wait > 0) throw tooMany(response, wait, message);
      this.count(sender);
      next();
    };
  }
}

/** The refusal of a request that came too soon. */
export function tooMany(response: { setHeader(name: string, value: string): void }, wait: number, message: string) {
  response.setHeader("Retry-After", String(wait));
  return new HttpError(429, message, "rate-limit");
}
