import { open } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../recording/messages.ts";
import { readEvent } from "../recording/read-event.ts";

const newline = 0x0a;
/** Read at once; others get their turn in between. */
const chunkBytes = 256 * 1024;

/** Reads a run's `events.jsonl` as it grows, a long one bit by bit, so that the server goes on meanwhile. */
export class EventFile {
  readonly #path: string;
  #offset = 0;
  /** Which file it was, to notice another one in its place. */
  #inode: number | undefined;

  constructor(folder: string) {
    this.#path = join(folder, "events.jsonl");
  }

  /**
   * Hands over the events since the last call.
   *
   * @param restart called first where the file is another one, or lost something: all its events come anew.
   */
  async read(take: (event: RecordedEvent) => void, restart: () => void): Promise<void> {
    const file = await open(this.#path, "r").catch(() => undefined);
    if (!file) return;
    try {
      const { size, ino } = await file.stat();
      if (size < this.#offset || (this.#inode !== undefined && ino !== this.#inode)) {
        this.#offset = 0;
        restart();
      }
      this.#inode = ino;
      let length = chunkBytes;
      while (this.#offset < size) {
        const chunk = Buffer.alloc(Math.min(length, size - this.#offset));
        const { bytesRead } = await file.read(chunk, 0, chunk.length, this.#offset);
        const end = chunk.subarray(0, bytesRead).lastIndexOf(newline) + 1;
        if (end === 0) {
          // The last line is still being written, or a line is longer than what was read.
          if (this.#offset + bytesRead >= size) return;
          length *= 2;
          continue;
        }
        this.#offset += end;
        for (const line of chunk.toString("utf8", 0, end - 1).split("\n")) {
          const event = eventOf(line);
          if (event) take(event);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      await file.close();
    }
  }
}

/** A line as an event. What is damaged is left out: a viewer shows what can be read, and `cirlab runs show` tells. */
function eventOf(line: string): RecordedEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isStep(value) ? value : readEvent(value, "a line");
  } catch {
    return undefined;
  }
}

/** Steps are many, and checking each against its schema would take longer than all else. */
function isStep(value: unknown): value is Extract<RecordedEvent, { type: "step" }> {
  const { type, step, seq, time, metrics } = value as Record<string, unknown>;
  if (type !== "step" || typeof step !== "number" || typeof seq !== "number" || typeof time !== "number") return false;
  if (typeof metrics !== "object" || metrics === null) return false;
  for (const name in metrics) {
    const figure = (metrics as Record<string, unknown>)[name];
    if (typeof figure !== "number" && figure !== null) return false;
  }
  return true;
}
