import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { appendFile, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HttpError } from "../errors.ts";
import { modeToKeep } from "./bytes.ts";

/** Uploads in pieces: the pieces gather in a hidden file beside the target, which takes the target's place at the end. */
export class Uploads {
  /** Gathering file of each target. */
  readonly #parts = new Map<string, { file: string; next: number }>();

  /**
   * Adds a piece.
   *
   * @param chunk 1, 2, 3, ...; -1 for the last one.
   * @returns bytes so far, and whether the file is complete now.
   */
  async add(target: string, chunk: number, bytes: Uint8Array): Promise<{ size: number; done: boolean }> {
    if (!Number.isInteger(chunk) || (chunk < 1 && chunk !== -1))
      throw new HttpError(400, `Wrong chunk number ${chunk}`);
    if (chunk === 1) {
      modeToKeep(await statOf(target));
      await this.#drop(target);
      const file = join(dirname(target), `.${randomUUID()}.upload`);
      await (await open(file, "wx")).close();
      this.#parts.set(target, { file, next: 1 });
    }
    const part = this.#parts.get(target);
    if (!part || (chunk !== -1 && chunk !== part.next))
      throw new HttpError(400, `Chunk ${chunk} does not continue the upload; start again with chunk 1`);
    part.next++;
    await appendFile(part.file, bytes);
    const { size } = await stat(part.file);
    if (chunk !== -1) return { size, done: false };
    this.#parts.delete(target);
    try {
      await finish(part.file, target);
    } catch (error) {
      await rm(part.file, { force: true });
      throw error;
    }
    return { size, done: true };
  }

  /** Removes what unfinished uploads left. */
  async close(): Promise<void> {
    await Promise.all([...this.#parts.keys()].map((target) => this.#drop(target)));
  }

  async #drop(target: string): Promise<void> {
    const part = this.#parts.get(target);
    this.#parts.delete(target);
    if (part) await rm(part.file, { force: true });
  }
}

/** Puts a complete file in its target's place, with the permissions of what was there. */
async function finish(part: string, target: string): Promise<void> {
  const mode = modeToKeep(await statOf(target));
  const file = await open(part, "r+");
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, target);
}

const statOf = (file: string): Promise<Stats | undefined> => stat(file).catch(() => undefined);
