import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { InterruptedError, LabError } from "../base/errors.ts";
import { host } from "./host.ts";

export interface InputOptions {
  /** What is typed is not shown. Default false. */
  password?: boolean;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks the person for a line: under the running cell in a notebook, else in the terminal.
 *
 * @param prompt what is asked. Default: nothing.
 * @returns the line without its end.
 * @throws Error if the front end does not take input, LabError if a terminal's input has ended, and InterruptedError if
 * `signal` is aborted.
 * @example
 * const name = await input("Your name? ");
 * const key = await input("API key: ", { password: true });
 */
export async function input(prompt = "", options: InputOptions = {}): Promise<string> {
  const { password = false, signal } = options;
  const notebook = host();
  const asked = () => {
    if (notebook) return notebook.input(String(prompt), { password });
    terminal ??= new Terminal();
    return terminal.ask(String(prompt), password, signal);
  };
  return signal ? unlessAborted(asked, signal) : asked();
}

async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new InterruptedError();
  const listening = new AbortController();
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(new InterruptedError()), { once: true, signal: listening.signal }),
  );
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    listening.abort();
  }
}

/** One reader for all questions: a second one would lose the lines that the first has read ahead. */
class Terminal {
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  #isMuted = false;
  #hasEnded = false;
  #waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#isMuted) done();
        else process.stdout.write(chunk, () => done());
      },
    });
    this.#reader = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY === true });
    this.#reader.on("line", (line) => {
      // Further lines may come before the one who waits has gone on.
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) waiting.resolve(line);
      else this.#lines.push(line);
    });
    this.#reader.on("close", () => {
      this.#hasEnded = true;
      this.#waiting?.reject(ended());
    });
    this.#reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  }

  /** Questions that are asked at the same time are put one after the other. */
  ask(prompt: string, password: boolean, signal: AbortSignal | undefined): Promise<string> {
    const answer = this.#last.then(() => this.#ask(prompt, password, signal));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #ask(prompt: string, password: boolean, signal: AbortSignal | undefined): Promise<string> {
    if (signal?.aborted) throw new InterruptedError();
    process.stdout.write(prompt);
    const known = this.#lines.shift();
    if (known !== undefined) return known;
    if (this.#hasEnded) throw ended();
    this.#isMuted = password;
    this.#reader.resume();
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        // The next line belongs to the next question.
        signal?.addEventListener("abort", () => reject(new InterruptedError()), { once: true });
      });
    } finally {
      this.#waiting = undefined;
      this.#isMuted = false;
      if (password && process.stdin.isTTY) process.stdout.write("\n");
      // A process that asks no more may end.
      if (!this.#hasEnded) this.#reader.pause();
    }
  }
}

let terminal: Terminal | undefined;

const ended = (): LabError =>
  new LabError("Standard input has ended.", { code: "end-of-input", hint: "Give a line for every question." });
