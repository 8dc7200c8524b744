import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
// The global ones do nothing any more once the cell that set them was interrupted; other cells use this lane too.
import { clearTimeout, setTimeout } from "node:timers";
import { InfrastructureError } from "../base/errors.ts";
import { type HarnessReport, harnessReport, type LaneReply, type LaneRequest, laneReply } from "./protocol.ts";
import type { ExecutionStatus } from "./types.ts";

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
  reusable: boolean;
  /** From the request to its last reply. */
  durationMs: number;
}

/** The process ended, or said something that it must not say, while a snippet ran in it. */
export class LaneDiedError extends InfrastructureError {}

/** What tells one engine's process from another's. */
export interface LaneOptions {
  connect(): LaneConnection;
  /** The driver's own limit in milliseconds for a snippet with this time-out. */
  deadlineMs(timeoutMs: number): number;
  /** What passing that limit means: the snippet's time-out, or a process that should have kept time itself. */
  deadlineMeans: "timeout" | "died";
}

interface Running {
  request: LaneRequest;
  out: Buffer[];
  err: Buffer[];
  timer: NodeJS.Timeout;
  since: number;
  resolve(result: LaneResult): void;
  reject(error: Error): void;
}

/** A request or a reply takes a line; no honest process sends a longer one. */
const maxLineLength = 64 * 2 ** 20;
const startLimitMs = 60_000;

/** One interpreter process: one snippet at a time. Whatever it says that it should not say ends it. */
export class Lane {
  /** Resolves with Python's version; rejects where the process does not start. */
  readonly ready: Promise<string>;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  /** Snippets that it has run. */
  served = 0;
  /** The rollout that it belongs to. */
  key: string | undefined;
  dead = false;
  readonly pid: number | undefined;
  readonly #options: LaneOptions;
  readonly #connection: LaneConnection;
  #running: Running | undefined;
  #line = "";
  #complaint = "";
  #started: { resolve(python: string): void; reject(error: Error): void } | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#connection = options.connect();
    const { child, replies, requests } = this.#connection;
    this.pid = child.pid;
    this.ready = new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    this.ready.catch(() => {});
    const timer = setTimeout(() => this.#fail("did not start in time"), startLimitMs);
    this.ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    this.gone = new Promise((resolve) => {
      const over = (what: string): void => {
        this.#fail(what);
        resolve();
      };
      child.once("error", (error) => over(error.message));
      child.once("exit", (code, signal) => over(`ended with ${signal ?? `exit code ${code}`}`));
    });
    const decoder = new StringDecoder("utf8");
    replies.on("data", (bytes: Buffer) => this.#receive(decoder.write(bytes)));
    for (const stream of [replies, requests]) stream.on("error", () => {});
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString("utf8")).slice(-2000);
    });
  }

  get idle(): boolean {
    return !this.dead && !this.#started && !this.#running;
  }

  /** Runs one snippet; rejects with {@link LaneDiedError} where the process fails. */
  run(request: LaneRequest): Promise<LaneResult> {
    return new Promise((resolve, reject) => {
      this.#hold(true);
      this.served++;
      const limit = this.#options.deadlineMs(request.timeoutMs);
      const timer = setTimeout(() => {
        if (this.#options.deadlineMeans === "timeout") {
          this.#finish({ status: "timeout", exitCode: null, report: null, reusable: false });
          this.kill();
        } else this.#fail(`did not answer within ${limit} ms`);
      }, limit);
      this.#running = { request, out: [], err: [], timer, since: performance.now(), resolve, reject };
      this.#connection.requests.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Ends the process at once; a snippet that runs in it is lost. */
  kill(): void {
    this.#fail("was stopped");
  }

  /** Lets the driver's process end, or keeps it alive while a snippet runs. */
  #hold(busy: boolean): void {
    if (!this.dead) for (const handle of this.#connection.handles) (busy ? handle.ref : handle.unref)?.call(handle);
  }

  #fail(what: string): void {
    if (this.dead) return;
    // Killed, it is gone in a moment; who waits for that must not be cut off.
    this.#hold(true);
    this.dead = true;
    this.#connection.child.kill("SIGKILL");
    const last = this.#complaint.trim().split("\n").at(-1);
    const error = new LaneDiedError(`An interpreter process ${what}${last ? ` (${last})` : ""}.`);
    this.#started?.reject(error);
    this.#started = undefined;
    if (this.#running) {
      clearTimeout(this.#running.timer);
      this.#running.reject(error);
      this.#running = undefined;
    }
  }

  #finish(result: Omit<LaneResult, "stdout" | "stderr" | "durationMs">): void {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    this.#hold(false);
    const durationMs = performance.now() - running.since;
    running.resolve({
      ...result,
      stdout: Buffer.concat(running.out),
      stderr: Buffer.concat(running.err),
      durationMs,
    });
  }

  #receive(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    if (this.#line.length > maxLineLength) this.#fail("sent a line without end");
    for (const line of lines) if (!this.dead) this.#reply(line);
  }

  #reply(line: string): void {
    let reply: LaneReply;
    try {
      reply = laneReply.parse(JSON.parse(line));
    } catch {
      this.#fail("sent a malformed line");
      return;
    }
    if ("ready" in reply) {
      if (!this.#started) {
        this.#fail("spoke out of turn");
        return;
      }
      this.#started.resolve(reply.python);
      this.#started = undefined;
      this.#hold(false);
    } else if (!this.#running || reply.id !== this.#running.request.id) this.#fail("spoke out of turn");
    else if ("out" in reply) this.#running.out.push(Buffer.from(reply.out, "base64"));
    else if ("err" in reply) this.#running.err.push(Buffer.from(reply.err, "base64"));
    else this.#finish(judge(reply));
  }
}

/** What the last reply about a snippet means. */
function judge(reply: Extract<LaneReply, { done: string }>): Omit<LaneResult, "stdout" | "stderr" | "durationMs"> {
  const exitCode = reply.exitCode ?? null;
  const { done, reusable } = reply;
  if (done !== "report") return { status: done, exitCode, report: null, reusable };
  try {
    const report = harnessReport.parse(JSON.parse(reply.report ?? ""));
    const status = report.error ? (report.error.memory ? "memory" : "error") : "ok";
    return { status, exitCode: report.exitCode, report, reusable };
  } catch {
    // The report comes from where the snippet ran: a broken one is the snippet's doing, not the process's.
    return { status: "crash", exitCode, report: null, reusable: false };
  }
}
