import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { encodeLine, type FromDebugger, LineReader, type ToDebugger } from "../session/debug/protocol.ts";
import {
  debugDescriptor,
  debugOrder,
  FrameReader,
  type FromSession,
  interruptDescriptor,
  interruptOrder,
  outputDescriptor,
  type RunMessage,
  type ToSession,
} from "../session/wire.ts";
import { takeSessionChild } from "./sessionChild.ts";

export interface SessionListener {
  message(message: FromSession, buffers: Uint8Array[]): void;
  /** A message of the debugger's thread. */
  debug(message: FromDebugger): void;
  /** Text that native code or a child process wrote to the descriptors themselves. */
  rawOutput(name: "stdout" | "stderr", text: string): void;
  /** The process ended without being asked to; `reason` completes "... is gone:". */
  died(reason: string): void;
}

/** How much of the last raw error output is kept to find out why a process died, in characters. */
const keptErrorOutput = 4096;

/** How long a session that is asked to end may take. */
const exitLimitMs = 150;
/** How long output of a process that ended is waited for. */
const outputLimitMs = 1000;

/** One process that runs cells. */
export class SessionProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #closed: Promise<void>;
  #isClosing = false;
  #hasDebugger = false;
  #wasReady = false;
  /** How many interrupts it was ordered. */
  #interrupts = 0;
  #errorOutput = "";

  constructor(listener: SessionListener) {
    this.#child = takeSessionChild();
    const child = this.#child;
    for (const [descriptor, name] of [
      [1, "stdout"],
      [2, "stderr"],
    ] as const) {
      (child.stdio[descriptor] as Readable).setEncoding("utf8").on("data", (text: string) => {
        if (name === "stderr") this.#errorOutput = (this.#errorOutput + text).slice(-keptErrorOutput);
        listener.rawOutput(name, text);
      });
    }
    const lines = new LineReader<FromDebugger>();
    (this.#debugPipe as Readable).setEncoding("utf8").on("data", (text: string) => {
      for (const message of lines.push(text)) listener.debug(message);
    });
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
      let isGone = false;
      const gone = (code: number | null, signal: NodeJS.Signals | null) => {
        if (isGone) return;
        isGone = true;
        resolve();
        if (!this.#isClosing) listener.died(causeOfDeath(code, signal, this.#errorOutput));
      };
      // "close" comes after all output was read, but not while a process that a cell started holds the pipes.
      child.on("close", gone);
      child.on("exit", (code, signal) => setTimeout(gone, outputLimitMs, code, signal).unref());
    });
  }

  get #debugPipe(): unknown {
    return (this.#child.stdio as readonly unknown[])[debugDescriptor];
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a message once the process listens. */
  async send(message: ToSession): Promise<void> {
    await this.#ready;
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Stops reading what the process puts out, or goes on. */
  hold(isHeld: boolean): void {
    for (const descriptor of [1, 2, outputDescriptor]) {
      const stream = this.#child.stdio[descriptor] as Readable;
      if (isHeld) stream.pause();
      else stream.resume();
    }
  }

  run(message: RunMessage): Promise<void> {
    return this.send({ ...message, interrupts: this.#interrupts });
  }

  interrupt(): void {
    this.#interrupts++;
    (this.#child.stdio[interruptDescriptor] as Writable).write(interruptOrder);
  }

  /** Asks the debugger's thread, which is started if there is none; it answers also while the main thread is busy. */
  debug(message: ToDebugger): void {
    if (!this.#hasDebugger) (this.#child.stdio[interruptDescriptor] as Writable).write(debugOrder);
    this.#hasDebugger = true;
    (this.#debugPipe as Writable).write(encodeLine(message));
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

/** Signals that come from the process's own native code. */
const crashes = new Set(["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP"]);

function causeOfDeath(code: number | null, signal: NodeJS.Signals | null, errorOutput: string): string {
  if (/heap out of memory|Zone Allocation failed|ArrayBufferAllocator/i.test(errorOutput)) {
    return (
      "it ran out of memory (NODE_OPTIONS=--max-old-space-size=<megabytes> in the kernel's environment raises V8's limit; " +
      "typed arrays do not count in it)"
    );
  }
  if (signal === "SIGKILL")
    return "it was killed (SIGKILL) from outside, for example by the system when memory ran out";
  if (signal && crashes.has(signal)) return `native code in it crashed (${signal})`;
  return signal ? `it was ended by the signal ${signal}` : `it ended with exit code ${code}`;
}
