import type { Socket } from "socket.io";
import { z } from "zod";
import { sendCommand } from "../../src/recording/commands.ts";
import { lockOwner } from "../../src/recording/lock.ts";
import { commandSchema } from "../../src/recording/messages.ts";
import type { Authentication } from "../auth/authentication.ts";
import type { RunLibrary } from "./library.ts";
import type { CommandReply } from "./messages.ts";

/** Commands that one page may give in `withinMs`. */
const mostCommands = 20;
const withinMs = 10_000;
/** Characters of a command as JSON. */
const maxLength = 64 * 1024;

const order = z.object({
  runId: z.string().min(1).max(200),
  command: commandSchema,
  xsrf: z.string().max(200).optional(),
});

/**
 * Takes the commands of one reader to the runs' command files. Whoever came with a cookie must also show that a page of
 * ours gives the command: `xsrf` repeats the `_xsrf` cookie, which no page of another site can read.
 */
export class Orders {
  readonly #socket: Socket;
  readonly #authentication: Authentication;
  readonly #library: RunLibrary;
  readonly #times: number[] = [];

  constructor(socket: Socket, authentication: Authentication, library: RunLibrary) {
    this.#socket = socket;
    this.#authentication = authentication;
    this.#library = library;
  }

  async take(message: unknown): Promise<CommandReply> {
    const parsed = order.safeParse(message);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      return { error: `This is no command: ${issue.path.join(".") || "message"}: ${issue.message}.` };
    }
    const { runId, command, xsrf } = parsed.data;
    if (this.#socket.data.credential !== "token") {
      try {
        this.#authentication.checkXsrf(this.#socket.request, xsrf);
      } catch {
        return { error: "The command does not come from a page of this server: reload the page and try again." };
      }
    }
    if (JSON.stringify(command).length > maxLength) return { error: `A command has at most ${maxLength} characters.` };
    if (this.#isTooMany()) return { error: `At most ${mostCommands} commands in ${withinMs / 1000} s: wait a moment.` };
    const run = await this.#library.find(runId);
    if (!run) return { error: `There is no run ${runId}.` };
    if (!(await lockOwner(run.folder)))
      return { error: `Run ${runId} is not being trained: nobody would hear "${command.type}".` };
    const by = `web notebook, ${this.#socket.handshake.address}`;
    return { id: await sendCommand(run.folder, command, { by }) };
  }

  #isTooMany(): boolean {
    const now = performance.now();
    while (this.#times.length && this.#times[0]! < now - withinMs) this.#times.shift();
    this.#times.push(now);
    return this.#times.length > mostCommands;
  }
}
