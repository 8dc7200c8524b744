// A thread of the session process that hears the front while the main thread is busy.
import { Socket } from "node:net";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { siblingModule } from "../package.ts";
import {
  cutting,
  guarded,
  guardState,
  interruptFlag,
  interruptsBefore,
  interruptsHeard,
  shieldDepth,
  softDelayMs,
} from "./flags.ts";
import { debugOrder, interruptDescriptor, interruptOrder } from "./wire.ts";

const flags = new Int32Array((workerData as { flags: SharedArrayBuffer }).flags);
const pipe = new Socket({ fd: interruptDescriptor, readable: true, writable: false });

const shieldLimitMs = 2000;
const retryMs = 20;
let timer: NodeJS.Timeout | undefined;

/**
 * Asks the main thread to stop the running cell until it has taken the request: first softly (its loops and awaits look
 * at the flag), then with SIGINT, which ends the synchronous part of a cell wherever it is. Shielded code is given two
 * seconds before that.
 */
function press(elapsedMs: number): void {
  if (Atomics.load(flags, interruptFlag) === 0) return;
  if (elapsedMs > 0) {
    // Only while the request still stands: the main thread may take it at this very moment.
    if (Atomics.compareExchange(flags, interruptFlag, 1, 2) === 0) return;
    if (Atomics.load(flags, shieldDepth) === 0 || elapsedMs >= shieldLimitMs) cut();
  }
  parentPort!.postMessage("interrupt");
  const wait = elapsedMs === 0 ? softDelayMs : retryMs;
  timer = setTimeout(press, wait, elapsedMs + wait);
}

/** Sends SIGINT if it would end guarded code, which then waits for it: it never hits anything else. */
function cut(): void {
  if (Atomics.compareExchange(flags, guardState, guarded, cutting) === guarded) process.kill(process.pid, "SIGINT");
}

let hasDebugger = false;

pipe.on("data", (orders: Buffer) => {
  // From here, because the main thread may be busy.
  if (orders.includes(debugOrder) && !hasDebugger) {
    hasDebugger = true;
    new Worker(siblingModule(import.meta.url, "./debug/worker"));
  }
  const count = orders.toString("latin1").split(interruptOrder).length - 1;
  if (count === 0) return;
  const heard = Atomics.add(flags, interruptsHeard, count) + count;
  // On a busy machine one may come so late that the run that it was meant for is over, and the next has begun.
  if (heard <= Atomics.load(flags, interruptsBefore)) return;
  if (Atomics.compareExchange(flags, interruptFlag, 0, 1) !== 0) return;
  clearTimeout(timer);
  press(0);
});
// The front is gone: without it nobody can stop this process.
pipe.on("close", () => process.kill(process.pid, "SIGKILL"));
