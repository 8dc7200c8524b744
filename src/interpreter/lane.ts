import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
// The global ones do nothing any more once the cell that set them was interrupted; other cells use this lane too.
import { clearTimeout, setTimeout } from "node:timers";
import { InfrastructureError } from "../base/errors.ts";
import { type HarnessReport, harnessReport, type LaneReply, type LaneRequest, laneReply } from "./protocol.ts";
import type { ExecutionStatus, FailureKind, Profile } from "./types.ts";

/** A started interpreter process and the two ends that the driver speaks through. */
export interface LaneConnection {
  child: ChildProcess;
  requests: Writable;
  replies: Readable;
  /** Everything that keeps the driver's event loop alive; let go of while the lane is idle. */
  handles: { ref?(): unknown; unref?(): unknown }[];
}

/** What a lane found out about one snippet. */
export interface LaneResult {
  status: Exclude<ExecutionStatus, "infrastructure">;
  exitCode: number | null;
  stdout: Buffer;
  stderr: Buffer;
  report: HarnessReport | null;
  peakMemoryMb: number | null;
  reusable: boolean;
  /** The session that the snippet belonged to is gone. */
  sessionLost: boolean;
  /** From the request to its last reply. */
  durationMs: number;
}

/** The process ended, or said something that it must not say, while a snippet ran in it. */
export class LaneDiedError extends InfrastructureError {
  readonly kind: FailureKind;
  /** The driver ended it itself: no failure. */
  readonly stopped: boolean;
  /** Somebody else killed it: not what the code in it did. */
  readonly killed: boolean;

  constructor(message: string, kind: FailureKind, stopped: boolean, killed: boolean) {
    super(message);
    this.kind = kind;
    this.stopped = stopped;
    this.killed = killed;
  }
}

/** What tells one engine's process from another's. */
export interface LaneOptions {
  profile: Profile;
  /** Snippets that it runs at the same time. */
  capacity: number;
  connect(): LaneConnection;
  /** The driver's own limit in milliseconds for a snippet with this time-out. */
  deadlineMs(timeoutMs: number): number;
  /** What passing that limit means: the snippet's time-out, or a process that should have kept time itself. */
  deadlineMeans: "timeout" | "died";
}

/** How a running snippet is spoken of: it just started, has computed for a while, or only waits. */
export type Pace = "quick" | "slow" | "idle";

interface Running {
  out: Buffer[];
  err: Buffer[];
  timer: NodeJS.Timeout;
  since: number;
  pace: Pace;
  onPace: (() => void) | undefined;
  resolve(result: LaneResult): void;
  reject(error: Error): void;
}

type Verdict = Omit<LaneResult, "stdout" | "stderr" | "durationMs">;

/** A request or a reply takes a line; no honest process sends a longer one. */
const maxLineLength = 64 * 2 ** 20;
const startLimitMs = 60_000;

/** One interpreter process and the snippets in it. Whatever it says that it should not say ends it. */
export class Lane {
  /** Resolves with the language's version; rejects where the process does not start. */
  readonly ready: Promise<string>;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  readonly profile: Profile;
  /** Snippets that it has run. */
  served = 0;
  /** The rollout that it belongs to. */
  key: string | undefined;
  /** Sessions that live in it. */
  readonly sessions = new Set<string>();
  dead = false;
  /** Why it ended. */
  diedOf: LaneDiedError | undefined;
  readonly pid: number | undefined;
  readonly #options: LaneOptions;
  readonly #connection: LaneConnection;
  readonly #running = new Map<number, Running>();
  #pieces: string[] = [];
  #pending = 0;
  #complaint = "";
  #started: { resolve(version: string): void; reject(error: Error): void } | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.profile = options.profile;
    this.#connection = options.connect();
    const { child, replies, requests } = this.#connection;
    this.pid = child.pid;
    this.ready = new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    this.ready.catch(() => {});
    const timer = setTimeout(() => this.#fail("did not start in time", "start"), startLimitMs);
    this.ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    this.gone = new Promise((resolve) => {
      const over = (what: string, killed = false): void => {
        this.#fail(what, this.#started ? "start" : "died", { killed });
        resolve();
      };
      child.once("error", (error) => over(error.message));
      // 137: what a shell or a bubblewrap around it says of a kill.
      child.once("exit", (code, signal) =>
        over(`ended with ${signal ?? `exit code ${code}`}`, signal === "SIGKILL" || code === 137),
      );
    });
    const decoder = new StringDecoder("utf8");
    replies.on("data", (bytes: Buffer) => this.#receive(decoder.write(bytes)));
    for (const stream of [replies, requests]) stream.on("error", () => {});
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString("utf8")).slice(-2000);
    });
  }

  /** It can take a snippet now. */
  get free(): boolean {
    return !this.dead && !this.#started && this.#running.size < this.#options.capacity;
  }

  /** Snippets that run in it. */
  get load(): number {
    return this.#running.size;
  }

  /** How many of its snippets go at this pace. */
  at(pace: Pace): number {
    let count = 0;
    for (const running of this.#running.values()) if (running.pace === pace) count++;
    return count;
  }

  /**
   * Runs one snippet; rejects with {@link LaneDiedError} where the process fails.
   *
   * @param onPace called each time the process says how the snippet goes along.
   */
  run(request: LaneRequest, onPace?: () => void): Promise<LaneResult> {
    return new Promise((resolve, reject) => {
      if (this.dead) return reject(this.diedOf);
      this.#hold(true);
      this.served++;
      const limit = this.#options.deadlineMs(request.timeoutMs);
      const timer = setTimeout(() => {
        if (this.#options.deadlineMeans === "timeout") {
          const peakMemoryMb = null;
          const over = { status: "timeout", exitCode: null, report: null, peakMemoryMb } as const;
          this.#finish(request.id, { ...over, reusable: false, sessionLost: true });
          this.kill();
        } else this.#fail(`did not answer within ${limit} ms`, "overdue");
      }, limit);
      const since = performance.now();
      this.#running.set(request.id, { out: [], err: [], timer, since, pace: "quick", onPace, resolve, reject });
      this.#connection.requests.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Ends one snippet whose caller wants no answer any more: alone where it can be, else with the process. */
  abandon(id: number): void {
    if (this.#options.capacity === 1) this.kill();
    else if (this.#running.has(id)) this.#connection.requests.write(`${JSON.stringify({ cancel: id })}\n`);
  }

  /** Ends the process at once; snippets that run in it are lost. */
  kill(): void {
    this.#fail("was stopped", "died", { stopped: true });
  }

  /** Lets the driver's process end, or keeps it alive while a snippet runs. */
  #hold(busy: boolean): void {
    if (!this.dead) for (const handle of this.#connection.handles) (busy ? handle.ref : handle.unref)?.call(handle);
  }

  #fail(what: string, kind: FailureKind, { stopped = false, killed = false } = {}): void {
    if (this.dead) return;
    // Killed, it is gone in a moment; who waits for that must not be cut off.
    this.#hold(true);
    this.dead = true;
    this.#connection.child.kill("SIGKILL");
    const last = this.#complaint.trim().split("\n").at(-1);
    const message = `An interpreter process ${what}${last ? ` (${last})` : ""}.`;
    const error = new LaneDiedError(message, kind, stopped, killed);
    this.diedOf = error;
    this.#started?.reject(error);
    this.#started = undefined;
    for (const running of this.#running.values()) {
      clearTimeout(running.timer);
      running.reject(error);
    }
    this.#running.clear();
  }

  #finish(id: number, verdict: Verdict): void {
    const running = this.#running.get(id)!;
    this.#running.delete(id);
    clearTimeout(running.timer);
    if (this.#running.size === 0) this.#hold(false);
    const durationMs = performance.now() - running.since;
    running.resolve({
      ...verdict,
      stdout: Buffer.concat(running.out),
      stderr: Buffer.concat(running.err),
      durationMs,
    });
  }

  #receive(text: string): void {
    const lines = text.split("\n");
    this.#pieces.push(lines[0]!);
    this.#pending += lines[0]!.length;
    if (lines.length > 1) {
      lines[0] = this.#pieces.join("");
      const rest = lines.pop()!;
      this.#pieces = [rest];
      this.#pending = rest.length;
      for (const line of lines) if (!this.dead) this.#reply(line);
    }
    if (this.#pending > maxLineLength) this.#fail("sent a line without end", "protocol");
  }

  #reply(line: string): void {
    let reply: LaneReply;
    try {
      reply = laneReply.parse(JSON.parse(line));
    } catch {
      this.#fail("sent a malformed line", "protocol");
      return;
    }
    if ("ready" in reply) {
      if (!this.#started) {
        this.#fail("spoke out of turn", "protocol");
        return;
      }
      this.#started.resolve(reply.version);
      this.#started = undefined;
      this.#hold(false);
      return;
    }
    const running = this.#running.get(reply.id);
    if (!running) this.#fail("spoke out of turn", "protocol");
    else if ("out" in reply) running.out.push(Buffer.from(reply.out, "base64"));
    else if ("err" in reply) running.err.push(Buffer.from(reply.err, "base64"));
    else if ("pace" in reply) {
      running.pace = reply.pace;
      running.onPace?.();
    } else this.#finish(reply.id, judge(reply, this.#options.capacity > 1));
  }
}

/**
 * What the last reply about a snippet means.
 *
 * @param apart the snippet ran in a process of its own, which cannot have harmed the one that speaks.
 */
function judge(reply: Extract<LaneReply, { done: string }>, apart: boolean): Verdict {
  const exitCode = reply.exitCode ?? null;
  const { done, reusable, sessionLost = false, peakMemoryMb = null } = reply;
  const found = { exitCode, report: null, peakMemoryMb, reusable, sessionLost };
  if (done === "closed") return { ...found, status: "ok" };
  if (done !== "report") return { ...found, status: done };
  try {
    const report = harnessReport.parse(JSON.parse(reply.report ?? ""));
    const status = report.error ? (report.error.memory ? "memory" : "error") : "ok";
    return { ...found, status, exitCode: report.exitCode, report };
  } catch {
    // The report comes from where the snippet ran: a broken one is the snippet's doing, not the process's.
    return { ...found, status: "crash", reusable: reusable && apart, sessionLost: true };
  }
}
