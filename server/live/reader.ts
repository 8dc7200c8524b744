import type { Socket } from "socket.io";
import type { RunFeed } from "./feed.ts";
import type { RunListing } from "./messages.ts";

/** Packets that may wait for a reader; beyond, it gets nothing until it has read them. */
const maxWaiting = 20;

/** One page's view of the channel: which runs it follows, and what it has seen of each. */
export class Reader {
  readonly socket: Socket;
  /** By run: the newest event that was sent, -1 before the first, and which state of the run it was told of. */
  readonly #seen = new Map<string, { seq: number; version: number }>();
  /** Runs of which something was left out while packets waited. */
  readonly #behind = new Map<string, RunFeed>();
  /** The list of runs that waits. */
  #list: readonly RunListing[] | undefined;
  #waiting = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    // Packets are counted where they leave the process: they wait there when the other side reads slowly.
    socket.conn.on("packetCreate", () => {
      this.#waiting++;
    });
    socket.conn.on("drain", () => {
      this.#waiting = 0;
      this.#catchUp();
    });
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
    if (this.#waiting >= maxWaiting) {
      this.#behind.set(feed.id, feed);
      return;
    }
    const update = feed.since(seen.seq);
    // Noted before it is sent: sending may find that the reader can take more, and look for what it missed.
    this.#seen.set(feed.id, { seq: update.seq, version: feed.version });
    this.#behind.delete(feed.id);
    this.socket.emit("update", update);
  }

  sendList(runs: readonly RunListing[]): void {
    if (this.#waiting >= maxWaiting) this.#list = runs;
    else this.socket.emit("runs", { runs });
  }

  #catchUp(): void {
    const list = this.#list;
    this.#list = undefined;
    if (list) this.sendList(list);
    for (const feed of [...this.#behind.values()]) this.send(feed);
  }
}
