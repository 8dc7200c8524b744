// The thread of tslab's converter.
import { parentPort } from "node:worker_threads";
import { serve } from "../thread.ts";
import { TslabCompiler } from "./compiler.ts";

const compiler = new TslabCompiler();
serve(parentPort!, compiler);

// The first conversion loads the libraries' types: done now, the first cell does not wait for it.
compiler.convert("1");
compiler.reset();
