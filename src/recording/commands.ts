import { closeSync, existsSync, fstatSync, openSync, readSync, watch } from "node:fs";
import { appendFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { parseInput } from "../base/schema.ts";
import { RecordingError } from "./errors.ts";
import { type Command, type CommandInput, commandSchema } from "./messages.ts";

const fileName = "commands.jsonl";
const pollMs = 250;

/**
 * Asks something of a run, from any process.
 *
 * @param folder the run's folder.
 * @throws InvalidInputError for a command that does not exist, RecordingError when the folder is not a run; nothing is written.
 */
export async function sendCommand(folder: string, command: CommandInput): Promise<void> {
  const checked = parseInput(commandSchema, command, "command");
  if (!existsSync(join(folder, "config.json"))) throw new RecordingError(`${folder} is not the folder of a run.`);
  // One write in append mode: lines of several senders do not mix.
  await appendFile(join(folder, fileName), `${JSON.stringify(checked)}\n`);
}

/** Reads the commands that arrive after it was made, each once, in order. */
export class CommandReader {
  readonly #path: string;
  readonly #onInvalid: (problem: string) => void;
  #offset = 0;

  /**
   * @param folder the run's folder.
   * @param onInvalid told of lines that are not commands; they are left out.
   */
  constructor(folder: string, onInvalid: (problem: string) => void = () => {}) {
    this.#path = join(folder, fileName);
    this.#onInvalid = onInvalid;
    this.#newLines(); // Earlier commands were for whoever trained then.
  }

  /** What has arrived since the last call; costs a few microseconds when nothing has. */
  poll(): Command[] {
    return this.#newLines().flatMap((line) => {
      try {
        return [parseInput(commandSchema, JSON.parse(line), "command")];
      } catch (error) {
        this.#onInvalid(error instanceof SyntaxError ? `Not a command: ${line.slice(0, 200)}` : String(error));
        return [];
      }
    });
  }

  /** Waits for the next commands. Resolves with none when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<Command[]> {
    for (;;) {
      const commands = this.poll();
      if (commands.length || signal?.aborted) return commands;
      await this.#change(signal);
    }
  }

  #newLines(): string[] {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch {
      return []; // Nobody has sent anything yet.
    }
    try {
      const { size } = fstatSync(file);
      if (size <= this.#offset) return [];
      const data = Buffer.alloc(size - this.#offset);
      const read = readSync(file, data, 0, data.length, this.#offset);
      // A line that is still being written waits for the next call.
      const end = data.subarray(0, read).lastIndexOf(0x0a) + 1;
      this.#offset += end;
      return data.toString("utf8", 0, end).split("\n").slice(0, -1);
    } finally {
      closeSync(file);
    }
  }

  /** Resolves when the folder changes, or after a moment: not every file system tells of changes. */
  async #change(signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        watcher?.close();
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, pollMs);
      let watcher: ReturnType<typeof watch> | undefined;
      try {
        watcher = watch(dirname(this.#path), finish);
        watcher.on("error", () => {});
      } catch {
        // Polling alone.
      }
      signal?.addEventListener("abort", finish);
    });
  }
}
