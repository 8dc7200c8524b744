// The thread of the quick compiler.
import { parentPort } from "node:worker_threads";
import { serve } from "./thread.ts";
import { Transpiler } from "./transpiler.ts";

serve(parentPort!, new Transpiler());
