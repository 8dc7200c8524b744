import type { CommandInput } from "../../../../src/recording/messages.ts";
import { runChannel } from "./run-channel.ts";
import type { Answer, RunSeries } from "./run-series.ts";

/** How a command came out: on its way, obeyed, or not; the latter two are the training's own answers. */
export type Outcome = "" | "done" | "refused";

/** Commands that a part of the page gives to a run's training, and what the training says to them. */
export class SentCommands {
  readonly #run: RunSeries;
  readonly #say: (text: string, outcome: Outcome) => void;
  /** Those that wait for the training's answer, by id. */
  readonly #waiting = new Map<string, string>();
  /** Answers that came before the server had told the command's id. */
  readonly #early = new Map<string, Answer>();
  #sending = 0;

  /** @param say shows how the last command stands. */
  constructor(run: RunSeries, say: (text: string, outcome: Outcome) => void) {
    this.#run = run;
    this.#say = say;
    run.answered.connect(this.#answered, this);
  }

  /** Some are not answered yet. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** @param name what the command is called in what is said about it. */
  send(command: CommandInput, name: string): void {
    this.#sending++;
    this.#say(`${name}: sent`, "");
    runChannel
      .command(this.#run.id, command)
      .then(
        (id) => {
          this.#waiting.set(id, name);
          const answer = this.#early.get(id);
          if (answer) this.#answered(this.#run, answer);
          else this.#say(`${name}: waits for the training`, "");
        },
        (error: unknown) => this.#say(`${name}: ${error instanceof Error ? error.message : String(error)}`, "refused"),
      )
      .finally(() => {
        this.#sending--;
        if (!this.#sending) this.#early.clear();
      });
  }

  dispose(): void {
    this.#run.answered.disconnect(this.#answered, this);
  }

  #answered(_: RunSeries, answer: Answer): void {
    const { id } = answer;
    if (id === undefined) return;
    const name = this.#waiting.get(id);
    if (name === undefined) {
      if (this.#sending) this.#early.set(id, answer);
      return;
    }
    this.#waiting.delete(id);
    if (answer.type === "command") this.#say(`${name}: done after step ${answer.step}`, "done");
    else this.#say(`${name}: refused: ${answer.text}`, "refused");
  }
}
