import { copyFile, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "../../../src/base/files.ts";
import { HttpError } from "../errors.ts";
import { replaceFile } from "./bytes.ts";
import { splitName } from "./paths.ts";

export interface CheckpointModel {
  id: string;
  /** ISO 8601. */
  last_modified: string;
}

/** The only checkpoint that a file has, as in Jupyter: each new one replaces it. */
const onlyId = "checkpoint";

/** One saved state per file, in a hidden folder beside it. Paths here are paths on disk. */
export class Checkpoints {
  readonly folderName = ".ipynb_checkpoints";

  async create(file: string): Promise<CheckpointModel> {
    const at = this.#at(file);
    await mkdir(dirname(at), { recursive: true });
    // Nobody may read in the checkpoint what he may not read in the file.
    const mode = (await stat(file)).mode & 0o777;
    await writeFileAtomic(at, await readFile(file), { mode });
    return this.#describe(at);
  }

  async list(file: string): Promise<CheckpointModel[]> {
    const known = await this.#describe(this.#at(file)).catch(() => undefined);
    return known ? [known] : [];
  }

  /** Puts the checkpoint's content in the file's place. */
  async restore(file: string, id: string): Promise<void> {
    await replaceFile(file, await readFile(await this.#existing(file, id)), await stat(file));
  }

  async remove(file: string, id: string): Promise<void> {
    await rm(await this.#existing(file, id));
  }

  /** Follows a renamed file. */
  async rename(from: string, to: string): Promise<void> {
    if ((await stat(to)).isDirectory()) return;
    const [source, target] = [this.#at(from), this.#at(to)];
    if (!(await stat(source).catch(() => undefined))) return;
    await mkdir(dirname(target), { recursive: true });
    await rename(source, target).catch(async () => {
      await copyFile(source, target);
      await rm(source);
    });
  }

  /** Removes what was kept of a deleted file. */
  async forget(file: string): Promise<void> {
    const at = this.#at(file);
    if (await stat(at).catch(() => undefined)) await rm(at);
  }

  #at(file: string): string {
    const { stem, suffix } = splitName(basename(file));
    return join(dirname(file), this.folderName, `${stem}-checkpoint${suffix}`);
  }

  async #existing(file: string, id: string): Promise<string> {
    const at = this.#at(file);
    if (id !== onlyId || !(await stat(at).catch(() => undefined)))
      throw new HttpError(404, `Checkpoint does not exist: ${basename(file)}@${id}`);
    return at;
  }

  async #describe(at: string): Promise<CheckpointModel> {
    return { id: onlyId, last_modified: (await stat(at)).mtime.toISOString() };
  }
}
