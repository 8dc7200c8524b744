import { type ChildProcess, fork } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../package.ts";
import {
  FrameReader,
  type FromSession,
  interruptDescriptor,
  outputDescriptor,
  type ToSession,
} from "../session/wire.ts";

export interface SessionListener {
  message(message: FromSession, buffers: Uint8Array[]): void;
  /** Text that native code or a child process wrote to the descriptors themselves. */
  rawOutput(name: "stdout" | "stderr", text: string): void;
  /** The process ended without being asked to. */
  died(reason: string): void;
}

/** How long a session that is asked to end may take. */
const exitLimitMs = 150;

/** One process that runs cells. */
export class SessionProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #closed: Promise<void>;
  #isClosing = false;
  #wasReady = false;

  constructor(listener: SessionListener) {
    const stdio: ("ignore" | "pipe" | "ipc")[] = ["ignore", "pipe", "pipe", "pipe", "pipe", "ipc"];
    this.#child = fork(fileURLToPath(siblingModule(import.meta.url, "../session/main")), [], {
      stdio,
      serialization: "advanced",
    });
    const child = this.#child;
    for (const [descriptor, name] of [
      [1, "stdout"],
      [2, "stderr"],
    ] as const) {
      (child.stdio[descriptor] as Readable)
        .setEncoding("utf8")
        .on("data", (text: string) => listener.rawOutput(name, text));
    }
    const frames = new FrameReader();
    let becameReady: () => void = () => undefined;
    this.#ready = new Promise((resolve) => {
      becameReady = resolve;
    });
    (child.stdio[outputDescriptor] as Readable).on("data", (chunk: Buffer) => {
      for (const { message, buffers } of frames.push(chunk)) {
        if (message.type === "ready") {
          this.#wasReady = true;
          becameReady();
        } else listener.message(message, buffers);
      }
    });
    // A process that dies closes its pipes: what was on the way is lost with it.
    for (const stream of child.stdio) stream?.on("error", () => undefined);
    child.on("error", () => undefined);
    this.#closed = new Promise((resolve) => {
      // "close" comes after all output was read.
      child.on("close", (code, signal) => {
        resolve();
        if (!this.#isClosing) listener.died(signal ?? `exit code ${code}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a message once the process listens. */
  async send(message: ToSession): Promise<void> {
    await this.#ready;
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  interrupt(): void {
    (this.#child.stdio[interruptDescriptor] as Writable).write("i");
  }

  /** Ends the process; it is reported as dead all the same. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Whether the process ever listened. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /**
   * Ends the process without a report: it runs its exit handlers (they end processes that the lab started), or is
   * killed if it is too busy for that.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#wasReady && this.#child.connected)
      this.#child.send({ type: "exit" } satisfies ToSession, () => undefined);
    else this.kill();
    const timer = setTimeout(() => this.kill(), exitLimitMs);
    await this.#closed;
    clearTimeout(timer);
  }
}
