import { basename } from "node:path";
import { Worker } from "node:worker_threads";
import { InvalidInputError } from "../../base/errors.ts";
import { siblingModule } from "../../base/modules.ts";
import type { RolloutView, StepRows } from "../../recording/index.ts";
import { BrowseError } from "./errors.ts";
import type { StepAnswer, StepAsk, StepQuestion } from "./step-messages.ts";

/** Time for reading a step, and for a search in it. */
const readMs = 60_000;
const searchMs = 2000;
/** A thread that nobody asks goes, and what it holds with it. */
const idleMs = 120_000;

/** Rollouts of recorded steps, read and searched in a thread of its own, one question after the other. */
export class RecordedSteps {
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  rows(folder: string, step: number): Promise<StepRows> {
    return this.#ask({ folder, step, ask: { what: "rows" } }, readMs) as Promise<StepRows>;
  }

  /** Rollouts in full, by their place in the step. */
  rollouts(folder: string, step: number, indices: readonly number[]): Promise<RolloutView[]> {
    return this.#ask({ folder, step, ask: { what: "rollouts", indices } }, readMs) as Promise<RolloutView[]>;
  }

  /**
   * Places of the rollouts that hold a text.
   *
   * @throws InvalidInputError for an expression that is none, BrowseError for one that takes longer than two seconds.
   */
  async search(folder: string, step: number, text: string, isRegex: boolean): Promise<number[]> {
    // Read first: the time is the search's own.
    await this.rows(folder, step);
    return this.#ask({ folder, step, ask: { what: "search", text, isRegex } }, searchMs) as Promise<number[]>;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #ask(question: StepQuestion, limitMs: number): Promise<unknown> {
    const turn = this.#last.then(
      () => this.#answer(question, limitMs),
      () => this.#answer(question, limitMs),
    );
    this.#last = turn;
    return turn;
  }

  async #answer(question: StepQuestion, limitMs: number): Promise<unknown> {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    try {
      const answer = await new Promise<StepAnswer>((resolve, reject) => {
        const late = setTimeout(() => reject(tooLong(question.ask, limitMs)), limitMs);
        const settle = (act: () => void) => {
          clearTimeout(late);
          worker.removeAllListeners("message").removeAllListeners("error");
          act();
        };
        worker.on("message", (message: StepAnswer) => settle(() => resolve(message)));
        worker.on("error", (error) => settle(() => reject(outOfMemory(question, error))));
        worker.postMessage(question);
      });
      if (answer.error) throw refusal(answer.error, question);
      return answer.value;
    } catch (error) {
      if (error instanceof Ended) await this.close();
      throw error;
    } finally {
      this.#idle = setTimeout(() => void this.close(), idleMs).unref();
    }
  }

  #start(): Worker {
    const worker = new Worker(siblingModule(import.meta.url, "./step-worker"), {
      resourceLimits: { maxOldGenerationSizeMb: 2048 },
    });
    worker.unref();
    return worker;
  }
}

/** The thread has ended, or must. */
class Ended extends BrowseError {
  constructor(message: string) {
    super("unreadable", message);
  }
}

function tooLong(ask: StepAsk, limitMs: number): Ended {
  const what = ask.what === "search" ? `The search for ${JSON.stringify(ask.text)}` : "Reading the step";
  return new Ended(`${what} took longer than ${limitMs / 1000} s and was given up.`);
}

function outOfMemory({ step }: StepQuestion, error: Error): Ended {
  return new Ended(`The rollouts of step ${step} cannot be read: ${error.message}`);
}

function refusal({ name, message }: { name: string; message: string }, { folder }: StepQuestion): Error {
  if (name === "SyntaxError") return new InvalidInputError(`Not a regular expression: ${message}`);
  const text = message.replaceAll(`${folder}/`, "").replaceAll(folder, basename(folder));
  return new BrowseError(text.includes("has no recorded rollouts") ? "not-found" : "unreadable", text);
}
