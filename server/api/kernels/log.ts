import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const tailBytes = 4000;
/** A log that is longer begins anew. */
const maxBytes = 4_000_000;

/** A free place for the log of a kernel. */
export function newLogFile(): string {
  return join(tmpdir(), `kernel-${randomUUID()}.log`);
}

/** The last of what a kernel wrote to its terminal. */
export function tailOfLog(file: string): string {
  try {
    const log = openSync(file, "r");
    try {
      const { size } = fstatSync(log);
      const bytes = Buffer.alloc(Math.min(size, tailBytes));
      readSync(log, bytes, 0, bytes.length, size - bytes.length);
      return bytes.toString("utf8").trim();
    } finally {
      closeSync(log);
    }
  } catch {
    return "";
  }
}

/** Keeps a log from filling the disk. */
export function boundLog(file: string): void {
  try {
    if (statSync(file).size > maxBytes) truncateSync(file);
  } catch {
    // Its kernel has just ended.
  }
}
