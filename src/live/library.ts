import { stat } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { type RunConfig, readRunConfig } from "../recording/config.ts";
import { findRuns } from "./find-runs.ts";

/** A run on disk. */
export interface FoundRun {
  readonly folder: string;
  /** Below the library's folder; undefined where it lies elsewhere. */
  readonly path: string | undefined;
  readonly config: RunConfig;
}

/** Looking through all folders takes a while: at least this long passes in between, and ten times what it took. */
const scanEveryMs = 2_000;

/** The runs that can be shown: those below a folder, and those that somebody told of, wherever they are. */
export class RunLibrary {
  readonly #root: string;
  /** By folder. */
  #found = new Map<string, FoundRun>();
  readonly #published = new Map<string, FoundRun>();
  #scanning: Promise<void> | undefined;
  #nextScan = 0;
  #hasLooked = false;

  /** @param root absolute path of the folder. */
  constructor(root: string) {
    this.#root = root;
  }

  /** All runs that are known, newest first; those that have come since the last look are known a moment later. */
  async list(): Promise<FoundRun[]> {
    const looking = this.#scan();
    if (!this.#hasLooked) await looking;
    // What cannot be looked through now is looked through the next time.
    else looking.catch(() => undefined);
    const runs = [...new Map([...this.#found, ...this.#published]).values()];
    return runs.sort((a, b) => b.config.createdAt.localeCompare(a.config.createdAt));
  }

  /** A run by its id; of copies the one that was told of, then the one that lies nearest to the folder. */
  async find(runId: string): Promise<FoundRun | undefined> {
    const known = this.#byId(runId);
    if (known && (await isThere(known.folder))) return known;
    if (known) this.#published.delete(known.folder);
    await this.#scan();
    return this.#byId(runId);
  }

  /**
   * Learns of a run from whoever records it.
   *
   * @returns undefined where the folder does not hold that run.
   */
  async learn(runId: string, folder: string): Promise<FoundRun | undefined> {
    const known = this.#published.get(folder);
    if (known) return known.config.id === runId ? known : undefined;
    if (!isAbsolute(folder)) return undefined;
    const config = await readRunConfig(folder).catch(() => undefined);
    if (config?.id !== runId) return undefined;
    const run = { folder, path: this.#pathOf(folder), config };
    this.#published.set(folder, run);
    return run;
  }

  #byId(runId: string): FoundRun | undefined {
    for (const runs of [this.#published, this.#found])
      for (const run of runs.values()) if (run.config.id === runId) return run;
    return undefined;
  }

  #scan(): Promise<void> {
    if (!this.#scanning && performance.now() >= this.#nextScan)
      this.#scanning = this.#lookThrough().finally(() => {
        this.#scanning = undefined;
      });
    return this.#scanning ?? Promise.resolve();
  }

  async #lookThrough(): Promise<void> {
    const started = performance.now();
    const { paths } = await findRuns(this.#root);
    const found = await Promise.all(
      paths.map(async (path): Promise<[string, FoundRun] | undefined> => {
        const folder = `${this.#root}${sep}${path.replaceAll("/", sep)}`;
        const config = this.#found.get(folder)?.config ?? (await readRunConfig(folder).catch(() => undefined));
        return config && [folder, { folder, path, config }];
      }),
    );
    this.#found = new Map(found.filter((run) => run !== undefined));
    this.#hasLooked = true;
    for (const folder of this.#published.keys()) if (!(await isThere(folder))) this.#published.delete(folder);
    const now = performance.now();
    this.#nextScan = now + Math.max(scanEveryMs, 10 * (now - started));
  }

  #pathOf(folder: string): string | undefined {
    const path = relative(this.#root, folder);
    return path === "" || path.startsWith("..") || isAbsolute(path) ? undefined : path.replaceAll(sep, "/");
  }
}

const isThere = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
