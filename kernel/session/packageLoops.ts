import Module, { register } from "node:module";
import { basename } from "node:path";
import { checkLoops } from "../compiler/loops.ts";
import { packageRoot, siblingModule } from "../package.ts";

/** What loops of packages do in each iteration. Code may be sent elsewhere as text, where nothing of this is there. */
const check = "if(globalThis.__cirlabFlag?.[0])__cirlabCheck();";

interface Compiled {
  parent?: Compiled | null;
  filename?: string | null;
  _compile(javascript: string, file: string, ...rest: unknown[]): unknown;
}

/**
 * Makes loops in packages that cells import look at the interrupt flag: an async function of a package that spins after
 * an await of its own is otherwise out of reach. What this package itself imports is left alone.
 *
 * @param roots base names of the files that cells' imports seem to come from.
 */
export function checkLoopsOfPackages(flag: Int32Array, checkLoop: () => void, roots: readonly string[]): void {
  Object.defineProperty(globalThis, "__cirlabFlag", { value: flag });
  Object.defineProperty(globalThis, "__cirlabCheck", { value: checkLoop });
  const prototype = (Module as unknown as { prototype: Compiled }).prototype;
  const compile = prototype._compile;
  prototype._compile = function (javascript, file, ...rest) {
    let root: Compiled = this;
    while (root.parent) root = root.parent;
    const isForCell = root !== this && roots.includes(basename(root.filename ?? ""));
    return compile.call(this, isForCell ? checkLoops(javascript, "script", check) : javascript, file, ...rest);
  };
}

let isRegistered = false;

/** The same for ES modules that are loaded from now on. */
export function checkLoopsOfModules(): void {
  if (isRegistered) return;
  isRegistered = true;
  register(siblingModule(import.meta.url, "./moduleHooks"), { data: { packageRoot, check } });
}
