import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { ExportedFile } from "./exported.ts";

/**
 * Writes files that appear all together at the end, or not at all.
 *
 * @param write gets the temporary path of each name; what it returns is handed on.
 */
export async function writtenWhole<T>(
  folder: string,
  names: readonly string[],
  write: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const temporary = names.map((name) => join(folder, `.${name}-${randomUUID()}.tmp`));
  try {
    const result = await write(temporary);
    for (const [i, name] of names.entries()) await rename(temporary[i]!, join(folder, name));
    return result;
  } catch (error) {
    for (const path of temporary) await rm(path, { force: true });
    throw error;
  }
}

/** A file of JSON lines that is written without holding it in memory. */
export class LinesFile {
  readonly #stream: ReturnType<typeof createWriteStream>;
  #rows = 0;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: "wx" });
  }

  async add(value: unknown): Promise<void> {
    this.#rows++;
    if (!this.#stream.write(`${JSON.stringify(value)}\n`)) await once(this.#stream, "drain");
  }

  async end(name: string): Promise<ExportedFile> {
    this.#stream.end();
    await finished(this.#stream);
    return { name, rows: this.#rows, bytes: this.#stream.bytesWritten };
  }

  /** Gives up: nothing is written any more. */
  destroy(): void {
    this.#stream.destroy();
  }
}

/** Writes several files of JSON lines at once from one source, whole or not at all. */
export function writeLines(
  folder: string,
  names: readonly string[],
  fill: (add: (file: number, value: unknown) => Promise<void>) => Promise<void>,
): Promise<ExportedFile[]> {
  return writtenWhole(folder, names, async (paths) => {
    const files = paths.map((path) => new LinesFile(path));
    try {
      await fill((file, value) => files[file]!.add(value));
      return await Promise.all(files.map((file, i) => file.end(names[i]!)));
    } catch (error) {
      for (const file of files) file.destroy();
      throw error;
    }
  });
}
