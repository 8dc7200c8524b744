import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { type FileData, writeData } from "../base/files.ts";

/** A checkpoint on disk. */
export interface Checkpoint {
  readonly step: number;
  /** Its folder's name. */
  readonly name: string;
  readonly path: string;
}

/** Files of a checkpoint by name; no folders inside. */
export type CheckpointFiles = Readonly<Record<string, FileData>>;

const finished = /^step-(\d{6,})$/;
const replaced = /^\.replaced-(step-(\d{6,}))$/;
const nameOf = (step: number): string => `step-${String(step).padStart(6, "0")}`;

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function writeDurably(path: string, data: FileData): Promise<void> {
  const file = await open(path, "wx");
  try {
    await writeData(file, data);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * The checkpoints of a run: one folder each. A checkpoint is written under a temporary name and renamed when it is whole,
 * so that a crash at any moment leaves the list as it was before or after, never a part of a checkpoint.
 */
export class CheckpointStore {
  readonly folder: string;
  #isClean = false;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** By step, ascending. */
  async list(): Promise<Checkpoint[]> {
    const names = await namesIn(this.folder);
    const present = new Set(names);
    const checkpoints = names.flatMap((name): Checkpoint[] => {
      const whole = finished.exec(name);
      if (whole) return [{ step: Number(whole[1]), name, path: join(this.folder, name) }];
      // Between the two renames of a replacement the old one still counts.
      const old = replaced.exec(name);
      if (!old || present.has(old[1]!)) return [];
      return [{ step: Number(old[2]), name: old[1]!, path: join(this.folder, name) }];
    });
    return checkpoints.sort((a, b) => a.step - b.step);
  }

  async latest(): Promise<Checkpoint | undefined> {
    return (await this.list()).at(-1);
  }

  /**
   * Writes a checkpoint; one of the same step is replaced.
   *
   * @throws InvalidInputError for a file name with a folder in it; nothing is written.
   */
  async write(step: number, files: CheckpointFiles): Promise<Checkpoint> {
    if (!Number.isInteger(step) || step < 0)
      throw new InvalidInputError(`A checkpoint's step must be a whole number of at least 0, was ${step}.`);
    for (const name of Object.keys(files))
      if (!/^[\w-][\w.-]*$/.test(name))
        throw new InvalidInputError(`${JSON.stringify(name)} cannot be the name of a file of a checkpoint.`);
    await this.#clean();
    const name = nameOf(step);
    const path = join(this.folder, name);
    const temporary = join(this.folder, `.writing-${name}-${randomUUID()}`);
    await mkdir(temporary, { recursive: true });
    const writes = Object.entries(files).map(([file, data]) => writeDurably(join(temporary, file), data));
    const failed = (await Promise.allSettled(writes)).find((write) => write.status === "rejected");
    if (failed) {
      await rm(temporary, { recursive: true, force: true });
      throw failed.reason;
    }
    const old = join(this.folder, `.replaced-${name}`);
    const isReplacement = (await namesIn(this.folder)).includes(name);
    if (isReplacement) await rename(path, old);
    await rename(temporary, path);
    if (isReplacement) await rm(old, { recursive: true, force: true });
    return { step, name, path };
  }

  /**
   * All files of a checkpoint.
   *
   * @throws CheckpointError when there is none of that step.
   */
  async read(step: number): Promise<Record<string, Uint8Array>> {
    const checkpoint = await this.#find(step);
    const entries = (await readdir(checkpoint.path)).map(
      async (name) => [name, new Uint8Array(await readFile(join(checkpoint.path, name)))] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * Removes a checkpoint at once from the list, then from the disk.
   *
   * @throws CheckpointError when there is none of that step.
   */
  async remove(step: number): Promise<void> {
    const { name, path } = await this.#find(step);
    const rubbish = join(this.folder, `.removed-${name}-${randomUUID()}`);
    await rename(path, rubbish);
    await rm(rubbish, { recursive: true, force: true });
  }

  async #find(step: number): Promise<Checkpoint> {
    const all = await this.list();
    const checkpoint = all.find((one) => one.step === step);
    if (checkpoint) return checkpoint;
    const steps = all.map((one) => one.step).join(", ");
    throw new CheckpointError(`There is no checkpoint of step ${step}.`, `There are: ${steps || "none"}.`);
  }

  /** Before the first write: puts back or removes what a writer that died left behind. */
  async #clean(): Promise<void> {
    if (this.#isClean) return;
    this.#isClean = true;
    const names = await namesIn(this.folder);
    for (const name of names.filter((one) => one.startsWith("."))) {
      const old = replaced.exec(name)?.[1];
      if (old && !names.includes(old)) await rename(join(this.folder, name), join(this.folder, old));
      else await rm(join(this.folder, name), { recursive: true, force: true });
    }
  }
}
