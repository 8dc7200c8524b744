// The thread of the quick compiler.
import { parentPort } from "node:worker_threads";
import { strip } from "./strip.ts";
import { serve } from "./thread.ts";
import { Transpiler } from "./transpiler.ts";

serve(parentPort!, new Transpiler());

// The emitter is a process of its own: it starts while the first cell is written.
void strip("", { folder: process.cwd() });
