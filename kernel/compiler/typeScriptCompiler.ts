import { siblingModule } from "../package.ts";
import type { CellCompiler, Completeness, Completion, Conversion, Inspection, Problem } from "./cellCompiler.ts";
import { Thread } from "./thread.ts";
import type { Transpiler } from "./transpiler.ts";
import type { TypeService } from "./types/typeService.ts";

/**
 * The default compiler: one thread strips types, so that a cell runs at once; another one knows them, checks the cell
 * meanwhile, completes and inspects.
 */
export class TypeScriptCompiler implements CellCompiler {
  readonly #transpiler: Thread<Transpiler>;
  readonly #types: Thread<TypeService>;

  readonly #warn: (message: string) => void;

  /** @param warn told of what fails, and when a thread died and its knowledge of earlier cells is lost. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn;
    const died = (error: Error) => warn(error.message);
    this.#transpiler = new Thread(siblingModule(import.meta.url, "./transpilerWorker"), died);
    this.#types = new Thread(siblingModule(import.meta.url, "./types/worker"), died);
  }

  async warmUp(): Promise<void> {
    await this.#transpiler.call("isComplete", "1");
    await this.#types.call("complete", "", 0);
  }

  async convert(code: string): Promise<Conversion> {
    const conversion = await this.#transpiler.call("convert", code);
    if (conversion.ok) this.#tell(this.#types.call("begin", conversion.token, code));
    return conversion;
  }

  check(token: number): Promise<Problem[]> {
    return this.#types.call("check", token);
  }

  async commit(token: number, defined: readonly string[]): Promise<void> {
    this.#tell(this.#types.call("commit", token, defined));
    await this.#transpiler.call("commit", token, defined);
  }

  complete(code: string, offset: number): Promise<Completion> {
    return this.#types.call("complete", code, offset);
  }

  inspect(code: string, offset: number, detailed: boolean): Promise<Inspection | undefined> {
    return this.#types.call("inspect", code, offset, detailed);
  }

  isComplete(code: string): Promise<Completeness> {
    return this.#transpiler.call("isComplete", code);
  }

  async adopt(names: readonly string[]): Promise<void> {
    await Promise.all([this.#transpiler.call("adopt", names), this.#types.call("adopt", names)]);
  }

  async reset(): Promise<void> {
    await Promise.all([
      this.#transpiler.isStarted ? this.#transpiler.call("reset") : undefined,
      this.#types.isStarted ? this.#types.call("reset") : undefined,
    ]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#transpiler.close(), this.#types.close()]);
  }

  /** What fails in the thread of types costs types, not the cell. */
  #tell(call: Promise<void>): void {
    call.catch((error: Error) => this.#warn(error.message));
  }
}
