import type { Debugger } from "node:inspector";
import { type AnyNode, type Program, parse } from "acorn";
import { children, isFunction } from "../../compiler/walk.ts";
import type { Scripts } from "./scripts.ts";

/** Tells which places of scripts lie in a `try` block that catches what is thrown there. */
export class Catching {
  readonly #scripts: Scripts;
  readonly #programs = new Map<string, Program | undefined>();

  constructor(scripts: Scripts) {
    this.#scripts = scripts;
  }

  /** Whether code of the user or of a library, on the way from the throw to the cell's end, catches the error. */
  async catches(frames: readonly Debugger.CallFrame[]): Promise<boolean> {
    for (const { location } of frames) {
      // The kernel catches every error, to tell it.
      if (!this.#scripts.isKernel(location.scriptId) && (await this.#isInTry(location))) return true;
    }
    return false;
  }

  async #isInTry(location: Debugger.Location): Promise<boolean> {
    const program = await this.#program(location.scriptId);
    if (!program) return false;
    const offset = await this.#scripts.offsetOf(location);
    let isCaught = false;
    const visit = (node: AnyNode): void => {
      if (offset < node.start || offset >= node.end) return;
      if (isFunction(node)) isCaught = false;
      if (node.type === "TryStatement" && node.handler && offset >= node.block.start && offset < node.block.end)
        isCaught = true;
      // A catch clause or a finalizer is outside of its own try block, but inside those around it.
      for (const child of children(node)) visit(child);
    };
    for (const node of program.body) visit(node);
    return isCaught;
  }

  async #program(scriptId: string): Promise<Program | undefined> {
    if (!this.#programs.has(scriptId)) this.#programs.set(scriptId, tryParse(await this.#scripts.text(scriptId)));
    return this.#programs.get(scriptId);
  }
}

function tryParse(text: string): Program | undefined {
  for (const sourceType of ["module", "script"] as const) {
    try {
      return parse(text, {
        ecmaVersion: "latest",
        sourceType,
        allowAwaitOutsideFunction: true,
        allowReturnOutsideFunction: true,
        allowHashBang: true,
      });
    } catch {
      // The other kind, or code that only V8 reads: then nothing is known of it.
    }
  }
  return undefined;
}
