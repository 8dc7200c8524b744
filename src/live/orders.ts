import { z } from "zod";
import { sendCommand } from "../recording/commands.ts";
import { lockOwner } from "../recording/lock.ts";
import { commandSchema } from "../recording/messages.ts";
import type { RunLibrary } from "./library.ts";
import type { CommandReply } from "./messages.ts";

/** Commands that one page may give in `withinMs`. */
const mostCommands = 20;
const withinMs = 10_000;
/** Characters of a command as JSON. */
const maxLength = 64 * 1024;

const order = z.object({ runId: z.string().min(1).max(200), command: commandSchema });

/** Takes the commands of one reader to the runs' command files. */
export class Orders {
  readonly #library: RunLibrary;
  readonly #by: string;
  readonly #times: number[] = [];

  /** @param by who gives the commands, as the recording will say. */
  constructor(library: RunLibrary, by: string) {
    this.#library = library;
    this.#by = by;
  }

  /** @param message `{runId, command}`; anything else is refused in the answer. */
  async take(message: unknown): Promise<CommandReply> {
    const parsed = order.safeParse(message);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      return { error: `This is no command: ${issue.path.join(".") || "message"}: ${issue.message}.` };
    }
    const { runId, command } = parsed.data;
    if (JSON.stringify(command).length > maxLength) return { error: `A command has at most ${maxLength} characters.` };
    if (this.#isTooMany()) return { error: `At most ${mostCommands} commands in ${withinMs / 1000} s: wait a moment.` };
    const run = await this.#library.find(runId);
    if (!run) return { error: `There is no run ${runId}.` };
    if (!(await lockOwner(run.folder)))
      return { error: `Run ${runId} is not being trained: nobody would hear "${command.type}".` };
    return { id: await sendCommand(run.folder, command, { by: this.#by }) };
  }

  #isTooMany(): boolean {
    const now = performance.now();
    while (this.#times.length && this.#times[0]! < now - withinMs) this.#times.shift();
    this.#times.push(now);
    return this.#times.length > mostCommands;
  }
}
