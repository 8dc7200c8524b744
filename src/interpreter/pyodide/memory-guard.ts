/**
 * Thread beside a Pyodide that no operating system's limit holds: ends the process when it takes more memory than the
 * number of bytes given as `workerData`. Python's heap and files have limits of their own; this one is for what a
 * snippet takes from JavaScript's side.
 */
import { workerData } from "node:worker_threads";

const everyMs = 100;
const bell = new Int32Array(new SharedArrayBuffer(4));
while (process.memoryUsage.rss() < workerData) Atomics.wait(bell, 0, 0, everyMs);
// Not SIGKILL, which is what somebody else's kill looks like.
process.kill(process.pid, "SIGABRT");
