// The compiler's thread: answers one request after the other.
import { parentPort } from "node:worker_threads";
import type { CompilerReply, CompilerRequest } from "./thread.ts";
import { TslabCompiler } from "./tslabCompiler.ts";

const port = parentPort!;
const compiler = new TslabCompiler();

function answer(request: CompilerRequest): unknown {
  switch (request.method) {
    case "convert":
      return compiler.convert(...request.args);
    case "commit":
      return compiler.commit(...request.args);
    case "complete":
      return compiler.complete(...request.args);
    case "inspect":
      return compiler.inspect(...request.args);
    case "isComplete":
      return compiler.isComplete(...request.args);
    case "reset":
      return compiler.reset();
  }
}

port.on("message", (request: CompilerRequest) => {
  let reply: CompilerReply;
  try {
    reply = { id: request.id, value: answer(request) };
  } catch (error) {
    reply = { id: request.id, error: (error as Error).stack ?? String(error) };
  }
  port.postMessage(reply);
});

// The first conversion loads the libraries' types: done now, the first cell does not wait for it.
compiler.convert("1");
compiler.reset();
