import { siblingModule } from "../package.ts";
import type { CellCompiler, Completeness, Completion, Conversion, Inspection, Problem } from "./cellCompiler.ts";
import { Thread } from "./thread.ts";
import type { Transpiler } from "./transpiler.ts";
import { transpilerUrl } from "./transpilerUrl.ts";
import type { TypeService } from "./types/typeService.ts";

/**
 * A cell is checked when no other one has come for so long: cells that follow each other closely do not share the
 * processor with checks of the ones before.
 */
const quietMs = 40;

/**
 * The default compiler: one thread strips types, so that a cell runs at once; another one knows them, checks the cell
 * meanwhile, completes and inspects.
 */
export class TypeScriptCompiler implements CellCompiler {
  readonly #transpiler: Thread<Transpiler>;
  readonly #types: Thread<TypeService>;

  readonly #warn: (message: string) => void;
  /** What the thread of types is told before its next answer. */
  #news: (() => Promise<void>)[] = [];
  #lastConversion = 0;

  /** @param warn told of what fails, and when a thread died and its knowledge of earlier cells is lost. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn;
    const died = (error: Error) => warn(error.message);
    this.#transpiler = new Thread(transpilerUrl, died);
    this.#types = new Thread(siblingModule(import.meta.url, "./types/worker"), died);
    // The first cell may come at once.
    this.#transpiler.call("isComplete", "1").catch(died);
  }

  async warmUp(): Promise<void> {
    await this.#types.call("complete", "", 0);
  }

  async convert(code: string): Promise<Conversion> {
    const conversion = await this.#transpiler.call("convert", code);
    this.#lastConversion = performance.now();
    if (conversion.ok) this.#news.push(() => this.#types.call("begin", conversion.token, code));
    return conversion;
  }

  async check(token: number): Promise<Problem[]> {
    this.#tellNews();
    return this.#types.call("check", token);
  }

  async checkWhenQuiet(token: number): Promise<Problem[]> {
    for (;;) {
      const wait = this.#lastConversion + quietMs - performance.now();
      if (wait <= 0) return this.check(token);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async commit(token: number, defined: readonly string[]): Promise<void> {
    this.#news.push(() => this.#types.call("commit", token, defined));
    await this.#transpiler.call("commit", token, defined);
  }

  complete(code: string, offset: number): Promise<Completion> {
    this.#tellNews();
    return this.#types.call("complete", code, offset);
  }

  inspect(code: string, offset: number, detailed: boolean): Promise<Inspection | undefined> {
    this.#tellNews();
    return this.#types.call("inspect", code, offset, detailed);
  }

  isComplete(code: string): Promise<Completeness> {
    return this.#transpiler.call("isComplete", code);
  }

  async adopt(names: readonly string[]): Promise<void> {
    this.#tellNews();
    await Promise.all([this.#transpiler.call("adopt", names), this.#types.call("adopt", names)]);
  }

  async reset(): Promise<void> {
    this.#news = [];
    await Promise.all([
      this.#transpiler.isStarted ? this.#transpiler.call("reset") : undefined,
      this.#types.isStarted ? this.#types.call("reset") : undefined,
    ]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#transpiler.close(), this.#types.close()]);
  }

  /** What fails in the thread of types costs types, not the cell. */
  #tellNews(): void {
    const news = this.#news;
    this.#news = [];
    for (const tell of news) tell().catch((error: Error) => this.#warn(error.message));
  }
}
