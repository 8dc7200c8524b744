/**
 * Child process: QuickJS in WebAssembly. Requests come in and replies go out on descriptor 3, one JSON object a line.
 * This thread only waits for the end of the lifeline; the other one, with a deep stack, does the work. Node's permission
 * model, an empty environment and `--disallow-code-generation-from-strings` are set by whoever spawns it.
 */
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { siblingModule } from "../../base/modules.ts";
import { die, lifeline } from "./process.ts";

/** QuickJS counts its own stack; the native one beneath must never be the first to end. MiB. */
const stackSizeMb = 64;

const engine = new Worker(siblingModule(import.meta.url, "./engine"), {
  argv: process.argv.slice(2),
  stdin: false,
  resourceLimits: { stackSizeMb },
});
// A snippet's own mistakes never come here: this is a stack, a heap or a WebAssembly module that broke.
engine.on("error", (error: Error) => {
  process.stderr.write(`${error.message.split("\n")[0]}\n`, die);
});
engine.on("exit", die);
const line = new Socket({ fd: lifeline });
line.on("error", die).on("close", die).on("end", die).resume();
