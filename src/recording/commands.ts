import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { parseInput } from "../base/schema.ts";
import { RecordingError } from "./errors.ts";
import { folderChange, JsonLinesTail } from "./json-lines.ts";
import {
  type Command,
  type CommandInput,
  commandSchema,
  type RecordedEvent,
  type Sender,
  senderSchema,
} from "./messages.ts";
import { readEvent } from "./read-event.ts";

const fileName = "commands.jsonl";

/** A command as the training gets it. */
export interface SentCommand extends Sender {
  readonly command: Command;
}

/**
 * Asks something of a run, from any process. Whoever trains it answers with an event `command` or `command-refused` that
 * carries the same id: {@link waitForAnswer}.
 *
 * @param folder the run's folder.
 * @param options `by`: who asks. Default: this process.
 * @returns the command's id.
 * @throws InvalidInputError for a command that does not exist, RecordingError when the folder is not a run; nothing is written.
 */
export async function sendCommand(
  folder: string,
  command: CommandInput,
  { by = `process ${process.pid}` }: { by?: string } = {},
): Promise<string> {
  const checked = parseInput(commandSchema, command, "command");
  if (!existsSync(join(folder, "config.json"))) throw new RecordingError(`${folder} is not the folder of a run.`);
  const id = randomUUID();
  // One write in append mode: lines of several senders do not mix.
  await appendFile(join(folder, fileName), `${JSON.stringify({ ...checked, id, by })}\n`);
  return id;
}

/**
 * Waits for what a run's training says to a command.
 *
 * @returns undefined when `signal` aborts first.
 */
export async function waitForAnswer(
  folder: string,
  id: string,
  signal?: AbortSignal,
): Promise<Extract<RecordedEvent, { type: "command" | "command-refused" }> | undefined> {
  const path = join(folder, "events.jsonl");
  // A long run's events are read once, not with each that is added.
  const lines = new JsonLinesTail(path);
  for (;;) {
    for (const line of lines.next()) {
      if (!line.includes(id)) continue;
      const event = readEvent(JSON.parse(line), path);
      if ((event?.type === "command" || event?.type === "command-refused") && event.id === id) return event;
    }
    if (signal?.aborted) return undefined;
    await folderChange(folder, signal);
  }
}

/** Reads the commands that arrive after it was made, each once, in order. */
export class CommandReader {
  readonly #folder: string;
  readonly #lines: JsonLinesTail;
  readonly #onInvalid: (problem: string, sender: Sender) => void;

  /**
   * @param folder the run's folder.
   * @param onInvalid told of lines that are not commands; they are left out.
   */
  constructor(folder: string, onInvalid: (problem: string, sender: Sender) => void = () => {}) {
    this.#folder = folder;
    this.#lines = new JsonLinesTail(join(folder, fileName));
    this.#onInvalid = onInvalid;
    this.#lines.next(); // Earlier commands were for whoever trained then.
  }

  /** What has arrived since the last call; costs a few microseconds when nothing has. */
  poll(): SentCommand[] {
    return this.#lines.next().flatMap((line) => {
      let sender: Sender = {};
      try {
        const value: unknown = JSON.parse(line);
        const known = senderSchema.safeParse(value);
        if (known.success) sender = known.data;
        return [{ ...sender, command: parseInput(commandSchema, value, "command") }];
      } catch (error) {
        const problem = error instanceof SyntaxError ? `Not a command: ${line.slice(0, 200)}` : String(error);
        this.#onInvalid(problem, sender);
        return [];
      }
    });
  }

  /** Waits for the next commands. Resolves with none when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<SentCommand[]> {
    for (;;) {
      const commands = this.poll();
      if (commands.length || signal?.aborted) return commands;
      await folderChange(this.#folder, signal);
    }
  }
}
