/**
 * Thread beside Pyodide: waits for the end of the lifeline on descriptor 4 and ends the process with it, even while
 * Python is in an endless loop and whatever became of the parent.
 */
import { readSync } from "node:fs";

const byte = Buffer.alloc(1);
try {
  while (readSync(4, byte) > 0);
} finally {
  process.kill(process.pid, "SIGKILL");
}
