import { siblingModule } from "../../package.ts";
import type { CellCompiler, Completeness, Completion, Conversion, Inspection, Problem } from "../cellCompiler.ts";
import { Thread } from "../thread.ts";
import type { TslabCompiler } from "./compiler.ts";

/** tslab's converter in a thread of its own. Types are checked before a cell runs, as in tslab. */
export class ThreadedTslabCompiler implements CellCompiler {
  readonly #thread: Thread<TslabCompiler>;

  /** @param warn told when the thread died and its knowledge of earlier cells is lost. */
  constructor(warn: (message: string) => void) {
    this.#thread = new Thread(siblingModule(import.meta.url, "./worker"), (error) => warn(error.message));
  }

  async warmUp(): Promise<void> {
    await this.#thread.call("isComplete", "1");
  }
  convert(code: string): Promise<Conversion> {
    return this.#thread.call("convert", code);
  }
  async check(): Promise<Problem[]> {
    return [];
  }
  async checkWhenQuiet(): Promise<Problem[]> {
    return [];
  }
  commit(token: number, defined: readonly string[]): Promise<void> {
    return this.#thread.call("commit", token, defined);
  }
  complete(code: string, offset: number): Promise<Completion> {
    return this.#thread.call("complete", code, offset);
  }
  inspect(code: string, offset: number): Promise<Inspection | undefined> {
    return this.#thread.call("inspect", code, offset);
  }
  isComplete(code: string): Promise<Completeness> {
    return this.#thread.call("isComplete", code);
  }
  adopt(names: readonly string[]): Promise<void> {
    return this.#thread.call("adopt", names);
  }
  async reset(): Promise<void> {
    if (this.#thread.isStarted) await this.#thread.call("reset");
  }
  close(): Promise<void> {
    return this.#thread.close();
  }
}
