import type { Lane } from "./lane.ts";
import type { FailureKind } from "./types.ts";

/** A fleet whose processes do not start this many times in a row gives up, until somebody asks again. */
const maxFailedStarts = 3;

/** What a fleet tells its pool. */
export interface FleetListener {
  /** A process became ready, or is gone. */
  changed(): void;
  /** No process can be started. */
  gaveUp(reason: string): void;
  /** A process failed on its own. */
  failed(kind: FailureKind): void;
  /** A process was thrown away on purpose. */
  recycled(): void;
}

/** Interpreter processes of one kind, held at a number: what ends is replaced. */
export class Fleet {
  /** Those that take snippets of anybody. */
  readonly lanes = new Set<Lane>();
  /** All, also those that are retired, belong to a session, or were ended but are not gone yet. */
  readonly processes = new Set<Lane>();
  readonly #start: () => Lane;
  readonly #wanted: number;
  readonly #listener: FleetListener;
  #failedStarts = 0;
  /** Of the last process that did not start. */
  #whyNone: unknown;
  #closed = false;

  constructor(start: () => Lane, wanted: number, listener: FleetListener) {
    this.#start = start;
    this.#wanted = wanted;
    this.#listener = listener;
    this.#fill();
  }

  /** Resolves with the language's version when the first process stands; rejects when none can be started. */
  async ready(): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      this.#fill();
      try {
        return await Promise.any([...this.lanes].map((lane) => lane.ready));
      } catch (error) {
        const [reason] = error instanceof AggregateError ? error.errors : [error];
        if (attempt === maxFailedStarts || !this.lanes.size) throw reason ?? this.#whyNone;
      }
    }
  }

  /** A fleet that gave up tries again. */
  tryAgain(): void {
    if (this.#failedStarts < maxFailedStarts || this.lanes.size) return;
    this.#failedStarts = 0;
    this.#fill();
  }

  /** Ends a process, now or when the last snippet and session in it are over; another takes its place at once. */
  retire(lane: Lane): void {
    if (this.lanes.delete(lane)) {
      if (!lane.diedOf || lane.diedOf.stopped) this.#listener.recycled();
      this.#fill();
    }
    if (lane.load === 0 && lane.sessions.size === 0) lane.kill();
  }

  /** Takes a process out of the common ones, for a session of its own. */
  setAside(lane: Lane): void {
    if (this.lanes.delete(lane)) this.#fill();
  }

  /** Ends every process and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.processes) lane.kill();
    await Promise.all([...this.processes].map((lane) => lane.gone));
  }

  #fill(): void {
    while (!this.#closed && this.lanes.size < this.#wanted && this.#failedStarts < maxFailedStarts) {
      const lane = this.#start();
      const failedBefore = this.#failedStarts;
      this.lanes.add(lane);
      this.processes.add(lane);
      lane.ready.then(
        () => {
          this.#failedStarts = 0;
          this.#listener.changed();
        },
        (error: unknown) => this.#startFailed(lane, error, failedBefore),
      );
      lane.gone.then(() => {
        this.processes.delete(lane);
        const { diedOf } = lane;
        if (diedOf && !diedOf.stopped && !this.#closed) this.#listener.failed(diedOf.kind);
        this.lanes.delete(lane);
        this.#fill();
        this.#listener.changed();
      });
    }
  }

  /** @param failedBefore tells those that were started together, and fail together, from those one after the other. */
  #startFailed(lane: Lane, error: unknown, failedBefore: number): void {
    this.lanes.delete(lane);
    this.#whyNone = error;
    if (this.#closed || failedBefore !== this.#failedStarts) return;
    if (++this.#failedStarts < maxFailedStarts) return;
    this.#listener.gaveUp(error instanceof Error ? error.message : String(error));
  }
}
