import { InterruptedError } from "../base/errors.ts";
import { type Lane, LaneDiedError, type LaneResult } from "./lane.ts";
import type { Profile } from "./options.ts";
import type { LaneJob } from "./protocol.ts";
import type { Isolation } from "./types.ts";

/** How a pool keeps its processes. */
export interface PoolOptions {
  start(profile: Profile): Lane;
  /** Snippets that run at the same time. */
  lanes: number;
  /** Warm processes beyond the busy ones, ready to take the place of a process that is thrown away. */
  spares: number;
  /** When a process is thrown away. `"pooled"` also covers processes that isolate each snippet by themselves. */
  isolation: Isolation;
  /** Snippets after which a process is replaced in any case. */
  maxSnippets: number;
  /** What it means that a process dies twice, each time a fresh one, of the same snippet. */
  diesTwice: "crash" | "infrastructure";
}

interface Job {
  request: LaneJob;
  key: string | undefined;
  attempts: number;
  since: number;
  queuedMs: number;
  lane: Lane | undefined;
  /** The caller has its answer already, because it aborted. */
  settled: boolean;
  resolve(outcome: PoolOutcome): void;
  reject(error: Error): void;
}

/** A snippet's result, or why no process could give one. */
export type PoolOutcome = (LaneResult | { status: "infrastructure"; reason: string }) & { queuedMs: number };

/** A pool that cannot start this many processes in a row gives up. */
const maxFailedStarts = 3;

/**
 * Interpreter processes and the queue before them. A slow snippet holds one lane only; a caller waits until a lane is
 * free (that is the back-pressure), first come, first served.
 */
export class Pool {
  /** Processes that were thrown away and replaced. */
  recycled = 0;
  /** Processes that died or broke the protocol on their own. */
  failures = 0;
  readonly #options: PoolOptions;
  readonly #lanes = new Set<Lane>();
  /** Also those that were ended but are not gone yet. */
  readonly #processes = new Set<Lane>();
  readonly #queue: Job[] = [];
  #busy = 0;
  #nextId = 1;
  #failedStarts = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#fill();
  }

  /** Resolves with Python's version when the first process stands; rejects when none can be started. */
  async ready(): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      this.#fill();
      try {
        return await Promise.any([...this.#lanes].map((lane) => lane.ready));
      } catch (error) {
        if (attempt === maxFailedStarts) throw error instanceof AggregateError ? error.errors[0] : error;
      }
    }
  }

  /** Process ids, for those who watch them. */
  get pids(): number[] {
    return [...this.#processes].flatMap((lane) => lane.pid ?? []);
  }

  /**
   * Runs a snippet as soon as a lane is free.
   *
   * @throws InterruptedError when `signal` is aborted; the snippet is dropped or its process ended.
   */
  run(request: LaneJob, key?: string, signal?: AbortSignal): Promise<PoolOutcome> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new InterruptedError());
      if (this.#closed) return reject(new InterruptedError("The interpreter is closed."));
      const abort = (): void => {
        const waiting = this.#queue.indexOf(job);
        if (waiting >= 0) this.#queue.splice(waiting, 1);
        settle(() => reject(new InterruptedError()));
        job.lane?.kill();
      };
      const settle = (act: () => void): void => {
        if (job.settled) return;
        job.settled = true;
        signal?.removeEventListener("abort", abort);
        act();
      };
      const job: Job = {
        request,
        key,
        attempts: 0,
        since: performance.now(),
        queuedMs: 0,
        lane: undefined,
        settled: false,
        resolve: (outcome) => settle(() => resolve(outcome)),
        reject: (error) => settle(() => reject(error)),
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** Ends every process and waits until they are gone; snippets that wait or run are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(new InterruptedError("The interpreter was closed."));
    for (const lane of this.#processes) lane.kill();
    await Promise.all([...this.#processes].map((lane) => lane.gone));
  }

  /** Starts processes until the wanted number stands. */
  #fill(): void {
    while (!this.#closed && this.#lanes.size < this.#options.lanes + this.#options.spares) {
      const lane = this.#options.start("bare");
      this.#lanes.add(lane);
      this.#processes.add(lane);
      lane.ready.then(
        () => {
          this.#failedStarts = 0;
          this.#pump();
        },
        (error: unknown) => this.#startFailed(lane, error),
      );
      lane.gone.then(() => {
        this.#processes.delete(lane);
        // Nobody asked it to go: it died while it was idle.
        if (this.#lanes.delete(lane) && !this.#closed) this.failures++;
        if (this.#failedStarts < maxFailedStarts) this.#fill();
      });
    }
  }

  #startFailed(lane: Lane, error: unknown): void {
    if (this.#closed || !this.#lanes.delete(lane)) return;
    this.failures++;
    this.#failedStarts++;
    if (this.#failedStarts < maxFailedStarts) return;
    const reason = error instanceof Error ? error.message : String(error);
    for (const job of this.#queue.splice(0)) job.resolve({ status: "infrastructure", reason, queuedMs: performance.now() - job.since });
  }

  #pump(): void {
    // A pool that gave up tries again when somebody asks again.
    if (this.#queue.length && this.#failedStarts >= maxFailedStarts && this.#lanes.size === 0) {
      this.#failedStarts = 0;
      this.#fill();
    }
    while (this.#queue.length && this.#busy < this.#options.lanes) {
      const next = this.#choose();
      if (!next) return;
      this.#serve(next.job, next.lane);
    }
  }

  /** The longest waiting job that an idle process may serve; makes room where none may. */
  #choose(): { job: Job; lane: Lane } | undefined {
    const idle = [...this.#lanes].filter((lane) => lane.free);
    const job = this.#queue[0]!;
    if (this.#options.isolation !== "rollout") return idle[0] && { job, lane: idle[0] };
    for (const candidate of this.#queue) {
      const own = candidate.key === undefined ? undefined : idle.find((lane) => lane.key === candidate.key);
      if (own) return { job: candidate, lane: own };
    }
    const fresh = idle.find((lane) => lane.served === 0);
    if (fresh) return { job, lane: fresh };
    if (idle[0]) this.#recycle(idle[0]);
    return undefined;
  }

  #recycle(lane: Lane): void {
    this.recycled++;
    this.#lanes.delete(lane);
    lane.kill();
    this.#fill();
  }

  async #serve(job: Job, lane: Lane): Promise<void> {
    this.#queue.splice(this.#queue.indexOf(job), 1);
    this.#busy++;
    job.lane = lane;
    job.attempts++;
    job.queuedMs = performance.now() - job.since;
    lane.key = job.key;
    try {
      const result = await lane.run({ ...job.request, id: this.#nextId++ });
      if (!this.#keeps(lane, result)) this.#recycle(lane);
      job.resolve({ ...result, queuedMs: job.queuedMs });
    } catch (error) {
      this.#died(job, lane, error as Error);
    } finally {
      job.lane = undefined;
      this.#busy--;
      this.#pump();
    }
  }

  #keeps(lane: Lane, result: LaneResult): boolean {
    if (!result.reusable || lane.dead || lane.served >= this.#options.maxSnippets) return false;
    if (this.#options.isolation === "pooled") return true;
    return this.#options.isolation === "rollout" && lane.key !== undefined;
  }

  #died(job: Job, lane: Lane, error: Error): void {
    this.#recycle(lane);
    if (job.settled) return;
    if (this.#closed) job.reject(new InterruptedError("The interpreter was closed."));
    else if (!(error instanceof LaneDiedError)) job.reject(error);
    else {
      this.failures++;
      if (job.attempts < 2) this.#queue.unshift(job);
      else job.resolve({ ...this.#diedTwice(error), queuedMs: job.queuedMs });
    }
  }

  #diedTwice(error: LaneDiedError): LaneResult | { status: "infrastructure"; reason: string } {
    if (this.#options.diesTwice === "infrastructure") return { status: "infrastructure", reason: error.message };
    return {
      status: "crash",
      exitCode: null,
      stdout: Buffer.alloc(0),
      stderr: Buffer.alloc(0),
      report: null,
      peakMemoryMb: null,
      reusable: false,
      sessionLost: true,
      durationMs: 0,
    };
  }
}
