import type { CellOutcome, FromSession, ToSession } from "../session/wire.ts";
import { SessionProcess } from "./sessionProcess.ts";

export type SessionEvent = Exclude<FromSession, { type: "ready" | "done" | "interrupting" }>;
type RunMessage = Extract<ToSession, { type: "execute" | "magic" }>;
export interface RunResult {
  defined: string[];
  outcome: CellOutcome;
}

export interface SessionOwner {
  event(event: SessionEvent, buffers: Uint8Array[]): void;
  rawOutput(name: "stdout" | "stderr", text: string): void;
  /** The process ended, and a new one starts: what cells made is lost. */
  lost(reason: string, ranCell: boolean): void;
  /** The running cell cannot be interrupted: its main thread does not listen. */
  stuck(): void;
}

/** How long a session may leave an interrupt unanswered before the user is told. */
const stuckAfterMs = 3000;
/** The same after it said that the cell is stopping: longer than its own limits. */
const stuckWhileStoppingMs = 6000;

/** The process in which cells run, and its successor when it dies. */
export class Session {
  readonly #owner: SessionOwner;
  #process: SessionProcess | undefined;
  #running: { id: string; settle(result: RunResult): void } | undefined;
  #stuckTimer: NodeJS.Timeout | undefined;
  #isStuck = false;
  #wasKilled = false;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
    this.#start();
  }

  /** Runs a cell; resolves when its outcome is known, also when the process dies under it. */
  run(message: RunMessage): Promise<RunResult> {
    return new Promise((settle) => {
      this.#running = {
        id: message.id,
        settle: (result) => {
          this.#running = undefined;
          clearTimeout(this.#stuckTimer);
          this.#stuckTimer = undefined;
          this.#isStuck = false;
          settle(result);
        },
      };
      this.send(message);
    });
  }

  send(message: ToSession): void {
    void (this.#process ?? this.#start()).send(message);
  }

  /** Interrupts the running cell; one that was found stuck is ended with its process. */
  interrupt(): void {
    if (this.#isStuck) {
      this.#wasKilled = true;
      this.#process?.kill();
      return;
    }
    // Without a running cell it still ends a loop that an earlier cell left in a timer.
    this.#process?.interrupt();
    if (this.#running && !this.#stuckTimer) this.#watch(stuckAfterMs);
  }

  async close(): Promise<void> {
    clearTimeout(this.#stuckTimer);
    await this.#process?.close();
  }

  #watch(afterMs: number): void {
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = setTimeout(() => {
      this.#isStuck = true;
      this.#owner.stuck();
    }, afterMs);
  }

  #start(): SessionProcess {
    const started: SessionProcess = new SessionProcess({
      message: (message, buffers) => this.#receive(message, buffers),
      rawOutput: (name, text) => this.#owner.rawOutput(name, text),
      died: (reason) => this.#died(reason),
    });
    this.#process = started;
    return started;
  }

  #receive(message: FromSession, buffers: Uint8Array[]): void {
    if (message.type === "done") {
      if (message.id === this.#running?.id) this.#running.settle(message);
    } else if (message.type === "interrupting") {
      if (message.id === this.#running?.id && !this.#isStuck) this.#watch(stuckWhileStoppingMs);
    } else if (message.type !== "ready") {
      this.#owner.event(message, buffers);
    }
  }

  #died(reason: string): void {
    const why = this.#wasKilled ? "it was ended by the second interrupt" : `it ended with ${reason}`;
    this.#wasKilled = false;
    const couldStart = this.#process?.wasReady === true;
    this.#process = undefined;
    const running = this.#running;
    this.#owner.lost(why, running !== undefined);
    // One that never came up is not started again before it is needed.
    if (couldStart) this.#start();
    const evalue = `The session process is gone: ${why}. All variables are lost; a new session runs. Run your cells again from the top.`;
    running?.settle({
      defined: [],
      outcome: {
        status: "error",
        interrupted: false,
        ename: "SessionDied",
        evalue,
        traceback: [`\u001b[31mSessionDied\u001b[39m: ${evalue}`],
      },
    });
  }
}
