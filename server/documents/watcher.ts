import { type FSWatcher, statSync, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** The event that tells pages of a changed file: `{ path, last_modified }`. */
export const changeEvent = "https://cirlab.dev/events/document-changed/v1";

/** Files that are watched; those read longest ago make room. */
const maxFiles = 200;
/** A save is several events of the file system; they become one. */
const settleMs = 30;

interface Watched {
  /** Path of the API. */
  path: string;
  modified: number;
  timer: NodeJS.Timeout | undefined;
}

/** Watches the files that pages have read, and tells when one changes, whoever changed it. */
export class FileWatcher {
  readonly #changed: (path: string, lastModified: string) => void;
  /** By path on disk, the newest last. */
  readonly #files = new Map<string, Watched>();
  /** By folder: a file that is replaced by another of its name is another file, but in the same folder. */
  readonly #folders = new Map<string, { watcher: FSWatcher; identity: string | undefined }>();

  constructor(changed: (path: string, lastModified: string) => void) {
    this.#changed = changed;
  }

  /**
   * Watches a file, from now on.
   *
   * @param path as the API names it.
   * @param real its path on disk, links resolved.
   * @param lastModified of the version that was read.
   */
  watch(path: string, real: string, lastModified: string): void {
    const known = this.#files.get(real);
    this.#files.delete(real);
    this.#files.set(real, known ?? { path, modified: Date.parse(lastModified), timer: undefined });
    for (const old of [...this.#files.keys()].slice(0, -maxFiles)) this.#forget(old);
    this.#open(dirname(real));
  }

  close(): void {
    for (const { timer } of this.#files.values()) clearTimeout(timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#files.clear();
    this.#folders.clear();
  }

  #open(folder: string): void {
    const identity = identityOf(folder);
    if (this.#folders.get(folder)?.identity === identity) return;
    // None yet, or one of a folder that was removed since: it hears nothing of a new one of its name.
    this.#closeFolder(folder);
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#stirred(folder, name));
      // A folder that is removed, or a system with no watches left: pages also look when they come to the front.
      watcher.on("error", () => this.#closeFolder(folder));
      this.#folders.set(folder, { watcher, identity });
    } catch {
      // As above.
    }
  }

  #stirred(folder: string, name: string | null): void {
    for (const [real, file] of this.#files) {
      if (dirname(real) !== folder || (name !== null && basename(real) !== name)) continue;
      clearTimeout(file.timer);
      file.timer = setTimeout(() => void this.#look(real, file), settleMs);
    }
  }

  async #look(real: string, file: Watched): Promise<void> {
    const info = await stat(real).catch(() => undefined);
    if (!info || info.mtime.getTime() === file.modified || !this.#files.has(real)) return;
    file.modified = info.mtime.getTime();
    this.#changed(file.path, info.mtime.toISOString());
  }

  #forget(real: string): void {
    clearTimeout(this.#files.get(real)?.timer);
    this.#files.delete(real);
    const folder = dirname(real);
    if (![...this.#files.keys()].some((other) => dirname(other) === folder)) this.#closeFolder(folder);
  }

  #closeFolder(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }
}

/** Tells a folder from a later one of the same name, which may get its number; undefined when there is none. */
function identityOf(folder: string): string | undefined {
  const info = statSync(folder, { throwIfNoEntry: false });
  return info && `${info.dev} ${info.ino} ${info.birthtimeMs}`;
}
