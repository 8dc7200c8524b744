import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What a file is to hold; several parts stand one after another, so that large ones need not be joined in memory. */
export type FileData = string | Uint8Array | readonly Uint8Array[];

/** The bytes of a file in one piece. */
export const bytesOf = (data: FileData): Uint8Array =>
  typeof data === "string" || data instanceof Uint8Array ? Buffer.from(data) : Buffer.concat(data);

/** Writes all of it to a file just opened. */
export async function writeData(file: FileHandle, data: FileData): Promise<void> {
  if (typeof data === "string" || data instanceof Uint8Array) return file.writeFile(data);
  // One call may take less than it is given: Linux ends it after 2 GiB.
  for (let rest = [...data]; rest.length > 0; ) {
    let { bytesWritten } = await file.writev(rest);
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) bytesWritten -= rest.shift()!.length;
    if (bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten);
  }
}

/**
 * Writes a file so that a reader, or a crash, meets either the old content or the new one, never a part: the data goes
 * to a temporary name beside it, is flushed to disk and renamed.
 *
 * @param options `mode`: permissions of the new file; the system's default for new files without it.
 */
export async function writeFileAtomic(path: string, data: FileData, options: { mode?: number } = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFileAtomic(path, data, options);
}

/** As `writeFileAtomic`, in a folder that is there: one that was renamed meanwhile is not made anew. */
export async function replaceFileAtomic(path: string, data: FileData, options: { mode?: number } = {}): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    // Never readable by more people than in the end; the system may still take rights from a new file.
    const file = await open(temporary, "wx", options.mode);
    try {
      await writeData(file, data);
      if (options.mode !== undefined) await file.chmod(options.mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
