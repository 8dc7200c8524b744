import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  watch,
  writeSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { RecordingError } from "./errors.ts";

const newline = 0x0a;
const chunkSize = 64 * 1024;
const pollMs = 250;

/** Where the line that holds the byte before `end` begins. */
function startOfLine(file: number, end: number): number {
  const chunk = Buffer.alloc(chunkSize);
  while (end > 0) {
    const start = Math.max(0, end - chunkSize);
    const read = readSync(file, chunk, 0, end - start, start);
    const at = chunk.subarray(0, read).lastIndexOf(newline);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

/**
 * Appends lines of JSON to a file. A line is handed to the operating system before `append` returns (about 10
 * microseconds), so it survives the death of this process; `flush` makes it survive a power cut too. A torn last line,
 * left by a process that died while it wrote, is removed when the file is opened.
 */
export class JsonLinesWriter {
  /** The last line that was there when the file was opened; empty without any. */
  readonly lastLine: string;
  #file: number | undefined;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "a+");
    const size = fstatSync(this.#file).size;
    const end = startOfLine(this.#file, size);
    if (end < size) ftruncateSync(this.#file, end);
    const last = Buffer.alloc(Math.max(0, end - 1 - startOfLine(this.#file, end - 1)));
    readSync(this.#file, last, 0, last.length, end - 1 - last.length);
    this.lastLine = last.toString();
  }

  /** @param line JSON without line breaks. */
  append(line: string): void {
    if (this.#file === undefined) throw new RecordingError("The recording is closed.");
    const data = Buffer.from(`${line}\n`);
    for (let written = 0; written < data.length; ) written += writeSync(this.#file, data, written);
  }

  /** Waits until the disk has everything. */
  flush(): void {
    if (this.#file !== undefined) fdatasyncSync(this.#file);
  }

  close(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }
}

/**
 * The whole lines of a file as values. What follows the last line break was never finished and is left out; a missing
 * file has no lines.
 *
 * @param options `whole`: the file was written at once, so that a line without an end is damage.
 * @throws RecordingError naming a line that is not JSON.
 */
export async function readJsonLines(path: string, { whole = false } = {}): Promise<unknown[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n");
  const torn = lines.pop();
  if (whole && torn) throw new RecordingError(`${path}, line ${lines.length + 1} is damaged: it is cut off.`);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw new RecordingError(`${path}, line ${i + 1} is damaged: it is not JSON.`, undefined, error);
    }
  });
}

/** Reads what others append to a file of lines, each line once. */
export class JsonLinesTail {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole lines since the last call, as text; costs a few microseconds where there are none. */
  next(): string[] {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch {
      return []; // Nobody has written anything yet.
    }
    try {
      const { size } = fstatSync(file);
      if (size <= this.#offset) return [];
      const data = Buffer.alloc(size - this.#offset);
      const read = readSync(file, data, 0, data.length, this.#offset);
      // A line that is still being written waits for the next call.
      const end = data.subarray(0, read).lastIndexOf(newline) + 1;
      this.#offset += end;
      return data.toString("utf8", 0, end).split("\n").slice(0, -1);
    } finally {
      closeSync(file);
    }
  }
}

/** Resolves when the folder changes, or after a moment: not every file system tells of changes. */
export async function folderChange(folder: string, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      watcher?.close();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, pollMs);
    let watcher: ReturnType<typeof watch> | undefined;
    try {
      watcher = watch(folder, finish);
      watcher.on("error", () => {});
    } catch {
      // Polling alone.
    }
    signal?.addEventListener("abort", finish);
  });
}
