// The debugger's thread: it speaks with the front on a pipe of its own, also while the main thread is stopped.
import { Socket } from "node:net";
import { debugDescriptor } from "../wire.ts";
import { Adapter } from "./adapter.ts";
import { encodeLine, type FromDebugger, LineReader, type ToDebugger } from "./protocol.ts";

const pipe = new Socket({ fd: debugDescriptor, readable: true, writable: true });
const send = (message: FromDebugger): void => void pipe.write(encodeLine(message));
const adapter = new Adapter((event, body) => send({ type: "event", event, body }));
const lines = new LineReader<ToDebugger>();

async function answer({ id, command, args }: ToDebugger): Promise<void> {
  try {
    send({ type: "response", id, body: await adapter.handle(command, args) });
  } catch (error) {
    send({ type: "response", id, error: (error as Error).message });
  }
}

pipe.setEncoding("utf8").on("data", (text: string) => {
  for (const request of lines.push(text)) void answer(request);
});
// The front is gone: the process ends too.
pipe.on("error", () => undefined);
