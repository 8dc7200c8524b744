import { InterruptedError } from "../base/errors.ts";
import { Fleet, type FleetListener } from "./fleet.ts";
import { type Lane, LaneDiedError, type LaneResult } from "./lane.ts";
import type { LaneJob } from "./protocol.ts";
import { SessionDesk } from "./session-desk.ts";
import type { FailureKind, Isolation, Profile } from "./types.ts";

/** How a pool keeps its processes. */
export interface PoolOptions {
  start(profile: Profile): Lane;
  /** Snippets that compute at the same time. */
  lanes: number;
  /** Processes of a profile, those beyond the busy ones included. */
  processes: number;
  /** When a process is thrown away. `"pooled"` also covers processes that isolate each snippet by themselves. */
  isolation: Isolation;
  /** Snippets after which a process is replaced in any case. */
  maxSnippets: number;
  /** What it means that processes die of the same snippet again and again, each time a fresh one. */
  diesTwice: "crash" | "infrastructure";
  /** A session takes a whole process, or a process holds many. */
  sessions: "process" | "shared";
  /** Sessions that are open at the same time. */
  maxSessions: number;
}

/** How a snippet is run beyond what its process must know. */
export interface PoolRunOptions {
  /** The rollout. */
  key?: string | undefined;
  signal?: AbortSignal | undefined;
}

interface Job {
  request: LaneJob;
  key: string | undefined;
  attempts: number;
  /** It goes on from variables that died with its process. */
  hasPast: boolean;
  id: number;
  lane: Lane | undefined;
  /** The caller has its answer already, because it aborted. */
  settled: boolean;
  since: number;
  queuedMs: number;
  resolve(found: LaneResult | Failed): void;
  reject(error: Error): void;
}

interface Failed {
  status: "infrastructure";
  reason: string;
}

/** A snippet's result, or why no process could give one. */
export type PoolOutcome = (LaneResult | Failed) & {
  queuedMs: number;
  /** The interpreter itself failed at least once on the way. */
  metFailure: boolean;
};

/** What a snippet is judged that brought every process down that it ran in. */
const crashed: LaneResult = {
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

/**
 * Interpreter processes and the queue before them. A caller waits until a lane is free (that is the back-pressure),
 * first come, first served.
 *
 * Where processes run many snippets at once, slow ones do not hold up the others: a snippet that only waits gives its
 * lane up for as long, and beside as many long-computing snippets as there are lanes, as many quick ones may run.
 */
export class Pool {
  /** Processes that were thrown away and replaced. */
  recycled = 0;
  readonly failures: Record<FailureKind, number> = { start: 0, died: 0, protocol: 0, overdue: 0 };
  readonly desk: SessionDesk;
  readonly #options: PoolOptions;
  readonly #fleets = new Map<Profile, Fleet>();
  readonly #queue: Job[] = [];
  #nextId = 1;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.desk = new SessionDesk(options.maxSessions, (request, lane) => lane.run({ ...request, id: this.#nextId++ }));
    this.#fleet("bare");
  }

  get diesTwice(): PoolOptions["diesTwice"] {
    return this.#options.diesTwice;
  }

  /** Resolves with the language's version when the first process of the profile stands; rejects when none can be started. */
  ready(profile: Profile = "bare"): Promise<string> {
    return this.#fleet(profile).ready();
  }

  /** Process ids, for those who watch them. */
  get pids(): number[] {
    return [...this.#fleets.values()].flatMap(({ processes }) => [...processes].flatMap((lane) => lane.pid ?? []));
  }

  /**
   * Runs a snippet as soon as a lane is free. A cell of a session runs in the session's process; where that is gone, the
   * outcome is a failure of infrastructure, because the variables went with it.
   *
   * @throws InterruptedError when `signal` is aborted; the snippet is dropped or ended.
   */
  run(request: LaneJob, { key, signal }: PoolRunOptions = {}): Promise<PoolOutcome> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new InterruptedError());
      if (this.#closed) return reject(new InterruptedError("The interpreter is closed."));
      const abort = (): void => {
        const waiting = this.#queue.indexOf(job);
        if (waiting >= 0) this.#queue.splice(waiting, 1);
        settle(() => reject(new InterruptedError()));
        if (!job.lane) return;
        job.lane.abandon(job.id);
        if (request.session !== null) this.desk.remove(request.session);
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
        hasPast: false,
        id: 0,
        lane: undefined,
        settled: false,
        since: performance.now(),
        queuedMs: 0,
        resolve: (found) => {
          const metFailure = found.status === "infrastructure" || (job.attempts > 1 && found !== crashed);
          settle(() => resolve({ ...found, queuedMs: job.queuedMs, metFailure }));
        },
        reject: (error) => settle(() => reject(error)),
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.push(job);
      this.#pump();
    });
  }

  /**
   * Ends a session and frees its place.
   *
   * @param request names the session.
   */
  async endSession(session: string, request: LaneJob): Promise<void> {
    const lane = this.desk.laneOf(session);
    await this.desk.end(session, { ...request, closeSession: true }, this.#options.sessions === "process");
    const fleet = lane && this.#fleets.get(lane.profile);
    if (fleet && !fleet.lanes.has(lane)) fleet.retire(lane);
  }

  /** Ends every process and waits until they are gone; snippets that wait or run are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(new InterruptedError("The interpreter was closed."));
    this.desk.close();
    await Promise.all([...this.#fleets.values()].map((fleet) => fleet.close()));
  }

  #fleet(profile: Profile): Fleet {
    const found = this.#fleets.get(profile);
    if (found) return found;
    const listener: FleetListener = {
      changed: () => this.#pump(),
      failed: (kind) => this.failures[kind]++,
      recycled: () => this.recycled++,
      gaveUp: (reason) => {
        for (const job of this.#queue.filter(({ request }) => request.profile === profile)) {
          this.#queue.splice(this.#queue.indexOf(job), 1);
          job.resolve({ status: "infrastructure", reason });
        }
      },
    };
    const fleet = new Fleet(() => this.#options.start(profile), this.#options.processes, listener);
    this.#fleets.set(profile, fleet);
    return fleet;
  }

  /** Whether one more snippet may start, by what those that run are doing. */
  get #hasRoom(): boolean {
    const { lanes } = this.#options;
    let quick = 0;
    let slow = 0;
    let all = 0;
    for (const { processes } of this.#fleets.values())
      for (const lane of processes) {
        if (lane.load === 0) continue;
        quick += lane.at("quick");
        slow += lane.at("slow");
        all += lane.load;
      }
    return quick + Math.max(0, slow - lanes) < lanes && all < lanes * maxWaitingShare;
  }

  #pump(): void {
    const hopeless = new Set<Profile>();
    for (let i = 0; i < this.#queue.length && this.#hasRoom; ) {
      const job = this.#queue[i]!;
      const { profile, session } = job.request;
      const homeless = session === null || !this.desk.laneOf(session);
      if (homeless && hopeless.has(profile) && (job.key === undefined || this.#options.isolation !== "rollout")) {
        i++;
        continue;
      }
      const fleet = this.#fleet(profile);
      fleet.tryAgain();
      const lane = homeless ? this.#choose(fleet, job, !hopeless.has(profile)) : this.desk.laneOf(session!);
      if (!lane?.free && !lane?.dead) {
        if (homeless) hopeless.add(profile);
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      job.hasPast = !homeless;
      this.#serve(job, lane, fleet);
    }
  }

  /** The process that may serve the snippet now; makes room where none may. */
  #choose(fleet: Fleet, { key, request }: Job, mayRetire: boolean): Lane | undefined {
    const free = [...fleet.lanes].filter((lane) => lane.free);
    const own = request.session !== null && this.#options.sessions === "process";
    if (this.#options.isolation === "rollout" || own) {
      const mine = key === undefined || own ? undefined : free.find((lane) => lane.key === key);
      const found = mine ?? free.find((lane) => lane.served === 0);
      if (!found && free[0] && mayRetire) fleet.retire(free[0]);
      return found;
    }
    return free.reduce<Lane | undefined>((best, lane) => (best && best.load <= lane.load ? best : lane), undefined);
  }

  async #serve(job: Job, lane: Lane, fleet: Fleet): Promise<void> {
    const { session } = job.request;
    job.lane = lane;
    job.id = this.#nextId++;
    job.attempts++;
    job.queuedMs = performance.now() - job.since;
    lane.key = job.key;
    if (session !== null) {
      this.desk.place(session, lane);
      if (this.#options.sessions === "process") fleet.setAside(lane);
    }
    try {
      const result = await lane.run({ ...job.request, id: job.id }, () => this.#pump());
      if (session !== null && result.sessionLost) this.desk.remove(session);
      if (!this.#keeps(lane, result, session)) fleet.retire(lane);
      job.resolve(result);
    } catch (error) {
      if (session !== null) this.desk.remove(session);
      fleet.retire(lane);
      this.#died(job, error as Error);
    } finally {
      job.lane = undefined;
      this.#pump();
    }
  }

  #keeps(lane: Lane, result: LaneResult, session: string | null): boolean {
    if (lane.dead || lane.served >= this.#options.maxSnippets) return false;
    if (session !== null) return !result.sessionLost || (this.#options.sessions === "shared" && result.reusable);
    if (!result.reusable) return false;
    if (this.#options.isolation === "pooled") return true;
    return this.#options.isolation === "rollout" && lane.key !== undefined;
  }

  #died(job: Job, error: Error): void {
    if (job.settled) return;
    if (this.#closed) job.reject(new InterruptedError("The interpreter was closed."));
    else if (!(error instanceof LaneDiedError)) job.reject(error);
    else if (job.hasPast) job.resolve({ status: "infrastructure", reason: error.message });
    else {
      const means = error.killed ? "infrastructure" : this.#options.diesTwice;
      if (job.attempts < maxAttempts[means]) this.#queue.unshift(job);
      else job.resolve(means === "crash" ? crashed : { status: "infrastructure", reason: error.message });
    }
  }
}

/** Where a snippet cannot bring its process down, more than one death in a row is bad luck of many at once. */
const maxAttempts = { crash: 2, infrastructure: 3 };
/** Snippets that run at the same time, those that only wait included, for each lane. */
const maxWaitingShare = 32;
