/**
 * Child process: starts Python once, loads the harness and writes the memory to the file named by the first argument.
 * Runs nothing but our own code.
 */
import { writeFileAtomic } from "../../base/files.ts";
import { bootPyodide, harnessModule, harnessSource } from "./boot.ts";

const python = await bootPyodide({ heapBytes: 512 * 2 ** 20 });
python.globals.set("source", harnessSource());
python.runPython(`
import sys, types
module = types.ModuleType("${harnessModule}")
sys.modules[module.__name__] = module
exec(compile(source, "<harness>", "exec"), module.__dict__)
module.remember()
del source, module, sys, types
`);
// Newer than the type declarations say.
const { makeMemorySnapshot } = python as unknown as { makeMemorySnapshot(): Uint8Array };
await writeFileAtomic(process.argv[2]!, makeMemorySnapshot.call(python));
process.exit(0);
