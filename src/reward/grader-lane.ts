import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
// The global ones do nothing any more once the cell that set them was interrupted; a grader outlives cells.
import { clearTimeout, setTimeout } from "node:timers";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InfrastructureError } from "../base/errors.ts";
import type { Judgement } from "./math/equivalence.ts";

/** The grader failed: its process died, hung or broke. Says nothing about the answer, and never counts as a wrong one. */
export class GraderFailure extends InfrastructureError {}

/** A comparison that is under way in the process. */
interface Running {
  id: number;
  timer: NodeJS.Timeout;
  resolve(judgement: Judgement): void;
  reject(error: Error): void;
}

const verdict = z.object({
  equal: z.boolean(),
  how: z.enum([
    "identical",
    "exact",
    "symbolic",
    "text",
    "structure",
    "numeric",
    "numericReject",
    "undecided",
    "unparsed",
  ]),
  notes: z.array(z.string()),
  gold: z.string(),
  answer: z.string(),
});
const reply = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ id: z.number(), judgement: z.object({ verdict, confirm: z.string().optional() }) }),
  z.object({ id: z.number(), error: z.string() }),
]);

const startLimitMs = 30_000;
const heapMb = 256;

/** One grading process: one pair at a time, killed at the limit. */
export class GraderLane {
  /** Resolves when the process waits for pairs; rejects with {@link GraderFailure}. */
  readonly ready: Promise<void>;
  dead = false;
  readonly #child: ChildProcess;
  #running: Running | undefined;
  #started: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(module: URL, options: object) {
    const args = [`--max-old-space-size=${heapMb}`, fileURLToPath(module), JSON.stringify(options)];
    // Nothing of the environment is needed, and nothing of it is there to be read.
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "ignore"], env: {} });
    this.ready = new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    const timer = setTimeout(() => this.#fail("did not start in time"), startLimitMs);
    this.ready.catch(() => {}).finally(() => clearTimeout(timer));
    this.#child.once("error", (error) => this.#fail(error.message));
    this.#child.once("exit", (code, signal) => this.#fail(`ended with ${signal ?? `exit code ${code}`}`));
    this.#child.stdin!.on("error", () => {});
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#receive(line));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws GraderFailure where the process dies or passes the limit (milliseconds); it is gone then. */
  judge(id: number, gold: string, answer: string, limitMs: number): Promise<Judgement> {
    if (this.dead) return Promise.reject(new GraderFailure("The grading process is gone."));
    return new Promise((resolve, reject) => {
      this.#hold(true);
      const timer = setTimeout(() => this.#fail(`did not decide within ${limitMs} ms`), limitMs);
      this.#running = { id, timer, resolve, reject };
      this.#child.stdin!.write(`${JSON.stringify({ id, gold, answer })}\n`);
    });
  }

  kill(): void {
    this.#fail("was stopped");
  }

  /** Lets the driver's process end while nothing is graded. */
  #hold(busy: boolean): void {
    const handles: { ref?(): unknown; unref?(): unknown }[] = [this.#child];
    for (const stream of [this.#child.stdin, this.#child.stdout]) if (stream) handles.push(stream as object);
    for (const handle of handles) (busy ? handle.ref : handle.unref)?.call(handle);
  }

  #fail(what: string): void {
    if (this.dead) return;
    this.dead = true;
    this.#child.kill("SIGKILL");
    const error = new GraderFailure(`A grading process ${what}.`);
    this.#started?.reject(error);
    if (this.#running) {
      clearTimeout(this.#running.timer);
      this.#running.reject(error);
    }
    this.#started = this.#running = undefined;
  }

  #receive(line: string): void {
    let message: z.output<typeof reply>;
    try {
      message = reply.parse(JSON.parse(line));
    } catch {
      this.#fail("sent a malformed line");
      return;
    }
    if ("ready" in message) {
      this.#started?.resolve();
      this.#started = undefined;
      this.#hold(false);
      return;
    }
    const running = this.#running;
    if (running?.id !== message.id) {
      this.#fail("spoke out of turn");
      return;
    }
    this.#running = undefined;
    clearTimeout(running.timer);
    this.#hold(false);
    if ("error" in message) running.reject(new GraderFailure(`The grader broke: ${message.error}`));
    else running.resolve(message.judgement);
  }
}
