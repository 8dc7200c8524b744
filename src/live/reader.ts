import { setTimeout } from "node:timers";
import type { RunFeed } from "./feed.ts";
import type { RunListing, RunUpdate } from "./messages.ts";

/** Messages that may wait for a reader; beyond, it gets nothing until it has read them. */
const maxWaiting = 20;

/** How a reader is told something. */
export interface ReaderLine {
  update(update: RunUpdate): void;
  list(runs: readonly RunListing[]): void;
}

/** One page's view of the runs: which it follows, and what it has seen of each. */
export class Reader {
  readonly #line: ReaderLine;
  readonly #restMs: () => number;
  /** By run: the newest event that was sent, -1 before the first, and which state of the run it was told of. */
  readonly #seen = new Map<string, { seq: number; version: number }>();
  /** Runs of which something was left out while messages waited. */
  readonly #behind = new Map<string, RunFeed>();
  /** The list of runs that waits. */
  #list: readonly RunListing[] | undefined;
  #waiting = 0;
  #rests = false;

  /** @param restMs asked after each update: how long none may follow. Default 0. */
  constructor(line: ReaderLine, restMs: () => number = () => 0) {
    this.#line = line;
    this.#restMs = restMs;
  }

  /** A message is on its way: it waits until the reader takes it. */
  sent(): void {
    this.#waiting++;
  }

  /** The reader has taken messages. @param count default: all. */
  taken(count = this.#waiting): void {
    this.#waiting = Math.max(0, this.#waiting - count);
    this.#catchUp();
  }

  /** @param after the newest event that it has. */
  follow(runId: string, after: number): void {
    this.#seen.set(runId, { seq: after, version: -1 });
  }

  leave(runId: string): void {
    this.#seen.delete(runId);
    this.#behind.delete(runId);
  }

  follows(runId: string): boolean {
    return this.#seen.has(runId);
  }

  /** The runs that it follows. */
  get runs(): Iterable<string> {
    return this.#seen.keys();
  }

  /** Sends what has happened in a run since the reader heard of it; later, where it cannot take more now. */
  send(feed: RunFeed): void {
    const seen = this.#seen.get(feed.id);
    if (!seen || seen.version === feed.version) return;
    if (this.#waiting >= maxWaiting || this.#rests) {
      this.#behind.set(feed.id, feed);
      return;
    }
    const update = feed.since(seen.seq);
    // Noted before it is sent: sending may find that the reader can take more, and look for what it missed.
    this.#seen.set(feed.id, { seq: update.seq, version: feed.version });
    this.#behind.delete(feed.id);
    this.#line.update(update);
    this.#rest(this.#restMs());
  }

  sendList(runs: readonly RunListing[]): void {
    if (this.#waiting >= maxWaiting) this.#list = runs;
    else this.#line.list(runs);
  }

  #rest(ms: number): void {
    if (ms <= 0) return;
    this.#rests = true;
    setTimeout(() => {
      this.#rests = false;
      this.#catchUp();
    }, ms).unref();
  }

  #catchUp(): void {
    const list = this.#list;
    this.#list = undefined;
    if (list) this.sendList(list);
    for (const feed of [...this.#behind.values()]) this.send(feed);
  }
}
