import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../package.ts";

let prepared: ChildProcess | undefined;

/** Starts the first session's process before the rest of the kernel is loaded: it takes as long. */
export function prepareSessionChild(): void {
  prepared = start();
}

/** The process that was prepared, or a new one. */
export function takeSessionChild(): ChildProcess {
  const child = prepared?.exitCode === null && prepared.signalCode === null ? prepared : start();
  prepared = undefined;
  return child;
}

/** Ends a prepared process that nobody took. */
export function dropSessionChild(): void {
  prepared?.kill("SIGKILL");
  prepared = undefined;
}

function start(): ChildProcess {
  return fork(fileURLToPath(siblingModule(import.meta.url, "../session/main")), [], {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "ipc"],
    serialization: "advanced",
  });
}
