import type { FromDebugger, ToDebugger } from "../session/debug/protocol.ts";
import type { CellOutcome, FromSession, RunMessage, ToSession } from "../session/wire.ts";
import { SessionProcess } from "./sessionProcess.ts";

export type SessionEvent = Exclude<FromSession, { type: "ready" | "done" | "interrupting" | "exiting" }>;
export interface RunResult {
  defined: string[];
  outcome: CellOutcome;
}

export interface SessionOwner {
  event(event: SessionEvent, buffers: Uint8Array[]): void;
  rawOutput(name: "stdout" | "stderr", text: string): void;
  /** A message of the debugger's thread. */
  debug(message: FromDebugger): void;
  /** The process ended, and a new one starts: what cells made is lost. */
  lost(reason: string, ranCell: boolean): void;
  /** The running cell cannot be interrupted: its main thread does not listen. */
  stuck(): void;
}

interface Run {
  subshell: string | undefined;
  settle(result: RunResult): void;
}

/** How long a session may leave an interrupt unanswered before the user is told. */
const stuckAfterMs = 3000;
/** The same after it said that the cell is stopping: longer than its own limits. */
const stuckWhileStoppingMs = 6000;

/** The process in which cells run, and its successor when it dies. */
export class Session {
  readonly #owner: SessionOwner;
  #process: SessionProcess | undefined;
  /** Runs whose outcome is not known, by the id of their message. */
  readonly #running = new Map<string, Run>();
  /** Ids of the runs that an interrupt waits for. */
  #interrupted: string[] = [];
  #delay: Promise<void> | undefined;
  #stuckTimer: NodeJS.Timeout | undefined;
  #isStuck = false;
  #isHeld = false;
  #wasKilled = false;
  /** Why the session said that it ends. */
  #farewell: string | undefined;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
    this.#start();
  }

  /** Runs a cell, beside those that run already; resolves when its outcome is known, also when the process dies. */
  run(message: RunMessage): Promise<RunResult> {
    return new Promise((settle) => {
      this.#running.set(message.id, { subshell: message.subshell, settle });
      this.#inTurn((process) => process.run(message));
    });
  }

  /** Runs of cells wait until `ready` settles. */
  delayRuns(ready: Promise<void>): void {
    const delay = ready.then(() => {
      if (this.#delay === delay) this.#delay = undefined;
    });
    this.#delay = delay;
  }

  send(message: ToSession): void {
    void (this.#process ?? this.#start()).send(message);
  }

  /** Sends a message to the debugger's thread. */
  debug(message: ToDebugger): void {
    (this.#process ?? this.#start()).debug(message);
  }

  /**
   * Interrupts the main shell's running cell, else those of all subshells; where they were found stuck, their process
   * is ended.
   */
  interrupt(): void {
    if (this.#isStuck) {
      this.#wasKilled = true;
      this.#process?.kill();
      return;
    }
    // Without a running cell it still ends a loop that an earlier cell left in a timer.
    this.#process?.interrupt();
    if (this.#stuckTimer) return;
    const all = [...this.#running];
    const main = all.filter(([, { subshell }]) => subshell === undefined);
    this.#interrupted = (main.length > 0 ? main : all).map(([id]) => id);
    for (const id of this.#interrupted) this.#inTurn((process) => process.send({ type: "interrupt", id }));
    if (this.#interrupted.length > 0) this.#watch(stuckAfterMs);
  }

  /** Ends the process and starts a new one, as the user asked. What cells made is lost. */
  async restart(): Promise<void> {
    const before = this.#process;
    this.#process = undefined;
    await before?.close();
    const subshells = [...this.#running.keys()];
    this.#owner.lost("it was reset", true);
    if (!this.#process) this.#start();
    this.#loseRuns(subshells, "it was reset");
  }

  /** Holds the session up: what it puts out is not read, so that it waits as soon as the pipe is full. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#process?.hold(isHeld);
  }

  async close(): Promise<void> {
    clearTimeout(this.#stuckTimer);
    await this.#process?.close();
  }

  /** After what waits for `delayRuns`. */
  #inTurn(act: (process: SessionProcess) => Promise<void>): void {
    const now = () => act(this.#process ?? this.#start());
    void (this.#delay ? this.#delay.then(now) : now());
  }

  #watch(afterMs: number): void {
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = setTimeout(() => {
      this.#isStuck = true;
      this.#owner.stuck();
    }, afterMs);
  }

  #settle(id: string, result: RunResult): void {
    const run = this.#running.get(id);
    this.#running.delete(id);
    this.#interrupted = this.#interrupted.filter((other) => other !== id);
    if (this.#interrupted.length === 0) {
      clearTimeout(this.#stuckTimer);
      this.#stuckTimer = undefined;
      this.#isStuck = false;
    }
    run?.settle(result);
  }

  #start(): SessionProcess {
    const started: SessionProcess = new SessionProcess({
      message: (message, buffers) => this.#receive(message, buffers),
      rawOutput: (name, text) => this.#owner.rawOutput(name, text),
      debug: (message) => this.#owner.debug(message),
      died: (reason) => this.#died(reason),
    });
    this.#process = started;
    if (this.#isHeld) started.hold(true);
    return started;
  }

  #receive(message: FromSession, buffers: Uint8Array[]): void {
    if (message.type === "done") {
      this.#settle(message.id, message);
    } else if (message.type === "interrupting") {
      if (this.#interrupted.includes(message.id) && !this.#isStuck) this.#watch(stuckWhileStoppingMs);
    } else if (message.type === "exiting") {
      this.#farewell = message.reason;
    } else if (message.type !== "ready") {
      this.#owner.event(message, buffers);
    }
  }

  #died(reason: string): void {
    const why = this.#wasKilled ? "it was ended by the second interrupt" : (this.#farewell ?? reason);
    this.#wasKilled = false;
    this.#farewell = undefined;
    const couldStart = this.#process?.wasReady === true;
    this.#process = undefined;
    const ids = [...this.#running.keys()];
    this.#owner.lost(why, ids.length > 0);
    // One that never came up is not started again before it is needed.
    if (couldStart) this.#start();
    this.#loseRuns(ids, why);
  }

  /** Cells whose process is gone get no other outcome. */
  #loseRuns(ids: readonly string[], why: string): void {
    const evalue = `The session process is gone: ${why}. All variables are lost; a new session runs. Run your cells again from the top.`;
    const traceback = [`\u001b[31mSessionDied\u001b[39m: ${evalue}`];
    for (const id of ids) {
      this.#settle(id, {
        defined: [],
        outcome: { status: "error", interrupted: false, ename: "SessionDied", evalue, traceback },
      });
    }
  }
}
