import { randomUUID } from "node:crypto";
import { InterruptedError } from "../base/errors.ts";
import type { Lane, LaneResult } from "./lane.ts";
import type { LaneJob } from "./protocol.ts";

/** Which sessions are open, and in which process each lives. */
export class SessionDesk {
  readonly #most: number;
  readonly #send: (request: LaneJob, lane: Lane) => Promise<LaneResult>;
  /** Open sessions; those that ran no cell yet have no process. */
  readonly #open = new Map<string, Lane | undefined>();
  readonly #waiting: { admit(): void; refuse(): void }[] = [];
  #closed = false;

  constructor(most: number, send: (request: LaneJob, lane: Lane) => Promise<LaneResult>) {
    this.#most = most;
    this.#send = send;
  }

  /**
   * Opens a session, as soon as fewer than the most are open, and names it.
   *
   * @throws InterruptedError when `signal` is aborted or the interpreter is closed.
   */
  async open(signal?: AbortSignal): Promise<string> {
    if (signal?.aborted) throw new InterruptedError();
    if (this.#closed) throw new InterruptedError("The interpreter is closed.");
    const name = randomUUID();
    if (this.#open.size < this.#most) {
      this.#open.set(name, undefined);
      return name;
    }
    return new Promise((resolve, reject) => {
      const over = (): void => {
        signal?.removeEventListener("abort", abort);
        const place = this.#waiting.indexOf(waiting);
        if (place >= 0) this.#waiting.splice(place, 1);
      };
      const abort = (): void => {
        over();
        reject(new InterruptedError());
      };
      const waiting = {
        admit: () => {
          over();
          this.#open.set(name, undefined);
          resolve(name);
        },
        refuse: () => {
          over();
          reject(new InterruptedError("The interpreter was closed."));
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** The process of a session; undefined before its first cell and after its end. */
  laneOf(session: string): Lane | undefined {
    return this.#open.get(session);
  }

  /** The session lives in this process from now on. */
  place(session: string, lane: Lane): void {
    if (!this.#open.has(session)) return;
    this.#open.set(session, lane);
    lane.sessions.add(session);
  }

  /** The session's process is gone; its place is kept until it is closed. */
  remove(session: string): void {
    this.#open.get(session)?.sessions.delete(session);
    if (this.#open.has(session)) this.#open.set(session, undefined);
  }

  /** Ends a session and gives its place to the next one that waits. */
  async end(session: string, request: LaneJob, ownsProcess: boolean): Promise<void> {
    const lane = this.#open.get(session);
    if (!this.#open.delete(session)) return;
    this.#waiting[0]?.admit();
    if (!lane || lane.dead) return;
    lane.sessions.delete(session);
    if (ownsProcess) {
      lane.kill();
      await lane.gone;
    } else await this.#send(request, lane).catch(() => {});
  }

  /** Refuses all that wait. */
  close(): void {
    this.#closed = true;
    for (const waiting of [...this.#waiting]) waiting.refuse();
  }
}
