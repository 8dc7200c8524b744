import { parseInput } from "../base/schema.ts";
import { type CommandInput, type CommandReader, commandSchema, type SentCommand } from "../recording/index.ts";

/** A command of this process, and who waits for it. */
interface OwnCommand extends SentCommand {
  readonly done: () => void;
  readonly refused: (error: unknown) => void;
}

/** A command that was obeyed, or refused with an error. */
export interface AnsweredCommand extends SentCommand {
  readonly error?: unknown;
}

/** Where commands to a training arrive: from this process, and from others through the run's folder. */
export class CommandDesk {
  /** Where other processes leave theirs; absent where nothing is recorded. */
  reader: CommandReader | undefined;
  readonly #carryOut: (sent: SentCommand) => Promise<void>;
  readonly #answered: (command: AnsweredCommand) => void;
  readonly #own: OwnCommand[] = [];
  #wake: AbortController | undefined;
  /** Why no more is obeyed. */
  #closed: Error | undefined;

  constructor(carryOut: (sent: SentCommand) => Promise<void>, answered: (command: AnsweredCommand) => void) {
    this.#carryOut = carryOut;
    this.#answered = answered;
  }

  /** Gives a command from this process. Resolves when it is obeyed, rejects when it is refused. */
  send(input: CommandInput, by: string): Promise<void> {
    return new Promise((done, refused) => {
      if (this.#closed) throw this.#closed;
      this.#own.push({ command: parseInput(commandSchema, input, "command"), by, done, refused });
      this.#wake?.abort();
    });
  }

  /** Obeys all that wait. Returns how many there were. */
  async obey(): Promise<number> {
    const commands = [...(this.reader?.poll() ?? []), ...this.#own.splice(0)];
    for (const command of commands) await this.#obey(command);
    return commands.length;
  }

  /** Waits until a command has come, from wherever, or the signal is aborted. */
  async somethingNew(signal: AbortSignal | undefined): Promise<void> {
    this.#wake = new AbortController();
    const either = signal ? AbortSignal.any([this.#wake.signal, signal]) : this.#wake.signal;
    if (this.#own.length) return;
    if (this.reader) for (const command of await this.reader.wait(either)) await this.#obey(command);
    else await new Promise<void>((resolve) => either.addEventListener("abort", () => resolve(), { once: true }));
  }

  /** Refuses what still waits, and what comes later. */
  close(error: Error): void {
    this.#closed = error;
    for (const command of this.reader?.poll() ?? []) this.#answered({ ...command, error });
    for (const { refused } of this.#own.splice(0)) refused(error);
  }

  async #obey(sent: SentCommand | OwnCommand): Promise<void> {
    const { command, id, by } = sent;
    try {
      await this.#carryOut(sent);
      this.#answered({ command, id, by });
      if ("done" in sent) sent.done();
    } catch (error) {
      this.#answered({ command, id, by, error });
      if ("refused" in sent) sent.refused(error);
    }
  }
}
