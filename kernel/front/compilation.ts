import { type CellCompiler, type CompilerName, compilerNames, type Problem } from "../compiler/cellCompiler.ts";
import { ThreadedTslabCompiler } from "../compiler/tslab/threadedCompiler.ts";
import { TypeScriptCompiler } from "../compiler/typeScriptCompiler.ts";

/** What a type error does: `strict` keeps the cell from running, `warn` tells beside the run, `off` does not look. */
export const checkModes = ["strict", "warn", "off"] as const;
export type CheckMode = (typeof checkModes)[number];

const makers: Record<CompilerName, new (warn: (message: string) => void) => CellCompiler> = {
  typescript: TypeScriptCompiler,
  tslab: ThreadedTslabCompiler,
};

/** The notebook's compiler, and how strict it is. */
export class Compilation {
  checkMode: CheckMode = "warn";
  readonly #warn: (message: string) => void;
  #isClosed = false;
  #name: CompilerName;
  #compiler: CellCompiler;
  /** Values that cells have set: another compiler is told of them. */
  readonly #names = new Set<string>();

  /**
   * @param name the compiler that is used first.
   * @param warn told of faults that a user should know.
   */
  constructor(name: CompilerName, warn: (message: string) => void) {
    // What was still on its way when the kernel ended is nobody's concern.
    this.#warn = (message) => {
      if (!this.#isClosed) warn(message);
    };
    this.#name = name;
    this.#compiler = new makers[name](this.#warn);
  }

  get compilerName(): CompilerName {
    return this.#name;
  }

  get compiler(): CellCompiler {
    return this.#compiler;
  }

  /** Loads what the first cell needs. */
  async warmUp(): Promise<void> {
    await this.#compiler.warmUp().catch((error: Error) => this.#warn(error.message));
  }

  /** Changes the compiler. Values stay; the new one does not know the types of names that are there. */
  async select(name: CompilerName): Promise<void> {
    if (name === this.#name) return;
    const before = this.#compiler;
    this.#name = name;
    this.#compiler = new makers[name](this.#warn);
    await before.close();
    await this.#compiler.adopt([...this.#names]);
  }

  /** Whether a cell has set a value of this name. */
  knows(name: string): boolean {
    return this.#names.has(name);
  }

  /** A name that was set without a cell: those to come may use it, as a value of any type. */
  async adopt(name: string): Promise<void> {
    this.#names.add(name);
    await this.#compiler.adopt([name]);
  }

  /** A converted cell has run and set `defined`. */
  commit(token: number, defined: readonly string[]): void {
    for (const name of defined) this.#names.add(name);
    // Whatever is converted next waits behind this in the compiler's thread.
    this.#compiler.commit(token, defined).catch((error: Error) => this.#warn(error.message));
  }

  /**
   * Type errors of a converted cell; none where they cannot be found.
   *
   * @param isUrgent someone waits for the answer.
   */
  async check(token: number, isUrgent: boolean): Promise<Problem[]> {
    try {
      return await (isUrgent ? this.#compiler.check(token) : this.#compiler.checkWhenQuiet(token));
    } catch (error) {
      this.#warn((error as Error).message);
      return [];
    }
  }

  async reset(): Promise<void> {
    this.#names.clear();
    await this.#compiler.reset();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#compiler.close();
  }
}

/** The compiler that the environment asks for: `CIRLAB_COMPILER`, as a kernelspec may set it. */
export function chosenCompiler(env: NodeJS.ProcessEnv): CompilerName {
  const wanted = env.CIRLAB_COMPILER || "typescript";
  const found = compilerNames.find((name) => name === wanted);
  if (!found) throw new Error(`CIRLAB_COMPILER is "${wanted}": choose one of ${compilerNames.join(", ")}.`);
  return found;
}
