import { rmSync } from "node:fs";
import { freemem } from "node:os";
import { ownKernelSpec } from "../../../kernel/specs/index.ts";
import { signalGroup, spawnKernel } from "./launch.ts";
import { newLogFile } from "./log.ts";
import type { Spare } from "./process.ts";

/** With less free memory than this, in bytes, none is kept: a spare holds about 200 MB. */
const neededMemory = 2 ** 30;
/** How often memory is looked at, and a spare that is missing made up for. */
const checkMs = 30_000;
/** How long after one was taken the next is started: the kernel that took it comes first. */
const pauseMs = 2000;

/** Keeps one kernel of this package started, so that the next that is wanted answers at once. */
export class SpareKernel {
  readonly #cwd: string;
  readonly #env: () => NodeJS.ProcessEnv;
  readonly #checks: NodeJS.Timeout;
  #renewal: NodeJS.Timeout | undefined;
  #spare: Spare | undefined;
  #isClosed = false;

  /**
   * Starts the first one.
   *
   * @param cwd where it waits.
   * @param env variables that every kernel gets beside the server's own.
   */
  constructor(cwd: string, env: () => NodeJS.ProcessEnv) {
    this.#cwd = cwd;
    this.#env = env;
    this.#checks = setInterval(() => this.#check(), checkMs).unref();
    this.#check();
  }

  /** Process id of the one that waits. */
  get pid(): number | undefined {
    return this.#spare?.child.pid;
  }

  /** Hands the waiting kernel out, if there is one; it takes its order on standard input. */
  take(): Spare | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    clearTimeout(this.#renewal);
    if (!this.#isClosed) this.#renewal = setTimeout(() => this.#check(), pauseMs).unref();
    return spare;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#checks);
    clearTimeout(this.#renewal);
    this.#discard();
  }

  #check(): void {
    if (Math.min(freemem(), process.availableMemory()) < neededMemory) this.#discard();
    else if (!this.#spare) this.#start();
  }

  #start(): void {
    const spec = ownKernelSpec();
    const argv = spec.argv.map((argument) => (argument === "{connection_file}" ? "--spare" : argument));
    const log = newLogFile();
    const child = spawnKernel(argv, { cwd: this.#cwd, env: { ...spec.env, ...this.#env() }, stdin: "pipe", log });
    this.#spare = { child, log };
    const gone = () => {
      if (this.#spare?.child !== child) return;
      this.#spare = undefined;
      rmSync(log, { force: true });
    };
    child.once("error", gone).once("exit", gone);
  }

  #discard(): void {
    const spare = this.#spare;
    this.#spare = undefined;
    if (!spare) return;
    if (spare.child.pid !== undefined) signalGroup(spare.child.pid, "SIGKILL");
    rmSync(spare.log, { force: true });
  }
}
