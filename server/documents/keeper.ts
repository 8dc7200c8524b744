import { isDeepStrictEqual } from "node:util";
import type { Notebook } from "../api/contents/notebooks.ts";
import type { ContentsStore } from "../api/contents/store.ts";
import { asHttpError } from "../api/errors.ts";
import type { Output } from "./cellOutputs.ts";
import { CellRun, type RunRecord } from "./cellRun.ts";
import { KernelRuns } from "./kernelRuns.ts";
import { writeRuns } from "./notebookCells.ts";

/** How often outputs are written while a cell runs; writing takes at most a tenth of the time. */
const writeEveryMs = 2000;
const restPerWrite = 10;
/** A page that is loaded anew, or whose kernel was restarted, is back by then. */
const pageReturnMs = 1000;
/** A page that saves what it shows may be behind the kernel by this much. */
const pageLagMs = 5000;

/** What the keeper needs to know of a kernel and its documents. */
export interface KeptKernel {
  id: string;
  /** Whether a page is connected: then the page saves. */
  hasPage(): boolean;
  /** The notebooks that run on it. */
  paths(): string[];
}

interface Kept {
  kernel: KeptKernel;
  runs: KernelRuns;
  timer: NodeJS.Timeout | undefined;
  /** When the timer will fire, in milliseconds since 1970. */
  due: number;
  notBefore: number;
  writing: Promise<void>;
}

/**
 * Keeps the outputs of all cells that run, and writes them into the notebooks' files while no page does: a cell that was
 * started goes on with its page closed, and nothing that it shows is lost.
 */
export class Keeper {
  readonly #store: ContentsStore;
  readonly #kept = new Map<string, Kept>();
  readonly #states = new WeakMap<CellRun, string>();
  /** Called when what another server needs to know of the runs has changed. */
  onChange: () => void = () => undefined;

  constructor(store: ContentsStore) {
    this.#store = store;
    store.onSave((path, notebook) => this.#savedByPage(path, notebook));
    // What was about to be written under the old name is written under the new one.
    store.onRename(() => {
      for (const kept of this.#kept.values()) this.#schedule(kept, 0);
    });
  }

  /** Keeps what the cells of a kernel show. */
  keep(kernel: KeptKernel): KernelRuns {
    const runs = new KernelRuns((run) => {
      this.#schedule(kept, run.state === "ended" ? 0 : writeEveryMs);
      // A display is found again by its id, which the file does not have.
      const state = `${run.state} ${run.outputs.displays.length}`;
      if (this.#states.get(run) === state) return;
      this.#states.set(run, state);
      this.onChange();
    });
    const kept: Kept = { kernel, runs, timer: undefined, due: 0, notBefore: 0, writing: Promise.resolve() };
    this.#kept.set(kernel.id, kept);
    return runs;
  }

  /** The runs that are not over, as another server can take them up. */
  get records(): RunRecord[] {
    return [...this.#kept].flatMap(([id, { runs }]) =>
      runs.list().flatMap((run) => (run.state === "ended" ? [] : run.record(id))),
    );
  }

  /** Takes up a run that began under an earlier server; what the notebook's file has of it is its beginning. */
  async restore(record: RunRecord): Promise<void> {
    const kept = this.#kept.get(record.kernelId);
    if (!kept) return;
    let outputs: Output[] = [];
    for (const path of kept.kernel.paths()) {
      const model = await this.#store.read(path, { type: "notebook" }).catch(() => undefined);
      const cell = (model?.content as Notebook | undefined)?.cells.find(({ id }) => id === record.cellId);
      if (cell) outputs = (cell.outputs ?? []) as Output[];
    }
    kept.runs.add(CellRun.restore(record, outputs));
  }

  /** The last page of a kernel's notebook is gone: what it may not have saved is written. */
  pageLeft(kernelId: string): void {
    const kept = this.#kept.get(kernelId);
    if (kept) this.#schedule(kept, pageReturnMs);
  }

  /** Writes what a kernel's notebooks lack, whoever is connected. */
  async flush(kernelId: string): Promise<void> {
    const kept = this.#kept.get(kernelId);
    if (!kept) return;
    clearTimeout(kept.timer);
    kept.timer = undefined;
    kept.writing = kept.writing.then(() => this.#write(kept));
    await kept.writing;
  }

  /** A kernel is gone for good: what its notebooks lack is written, and the rest forgotten. */
  async release(kernelId: string): Promise<void> {
    await this.flush(kernelId);
    clearTimeout(this.#kept.get(kernelId)?.timer);
    this.#kept.delete(kernelId);
  }

  /** Writes everything: the server stops. */
  async close(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((id) => this.release(id)));
  }

  #schedule(kept: Kept, delayMs: number): void {
    const due = Math.max(Date.now() + delayMs, kept.notBefore);
    if (kept.timer && kept.due <= due) return;
    clearTimeout(kept.timer);
    kept.due = due;
    kept.timer = setTimeout(() => {
      kept.timer = undefined;
      if (!kept.kernel.hasPage()) void this.flush(kept.kernel.id);
    }, due - Date.now());
  }

  async #write(kept: Kept): Promise<void> {
    const started = Date.now();
    let unsaved = kept.runs.list().filter((run) => run.isUnsaved);
    const paths = kept.kernel.paths();
    for (const path of paths) {
      if (unsaved.length === 0) break;
      const mine = unsaved.filter((run) => mayBelong(run, path, paths));
      const revisions = new Map(mine.map((run) => [run, run.revision]));
      try {
        let written: CellRun[] = [];
        await this.#store.edit(path, (notebook) => {
          const result = writeRuns(notebook, mine, paths.length === 1);
          written = result.written;
          return result.isChanged;
        });
        for (const run of written) run.savedRevision = revisions.get(run)!;
        unsaved = unsaved.filter((run) => !written.includes(run));
      } catch (error) {
        // Gone or renamed by another program, or no notebook any more: there is nothing to complete.
        if (asHttpError(error).status >= 500) console.error(`Outputs of ${path} could not be written:`, error);
      }
    }
    kept.notBefore = Date.now() + restPerWrite * (Date.now() - started);
  }

  /** A page has saved a notebook: what it says of a cell holds, unless the page may not have heard the newest yet. */
  #savedByPage(path: string, notebook: Notebook): void {
    for (const { kernel, runs } of this.#kept.values()) {
      const paths = kernel.paths();
      if (!paths.includes(path)) continue;
      for (const run of runs.list()) {
        if (!mayBelong(run, path, paths)) continue;
        run.isKnownToFile = true;
        if (!run.isUnsaved) continue;
        const isOld = run.state === "ended" && Date.now() - run.changedAt > pageLagMs;
        const cell = notebook.cells.find(({ id }) => id === run.cellId);
        run.completeFrom((cell?.outputs ?? []) as Output[]);
        const number = run.state === "ended" ? run.executionCount : null;
        const isSame =
          cell && isDeepStrictEqual(cell.outputs, run.toJSON()) && (cell.execution_count ?? null) === number;
        if (isOld || isSame) run.savedRevision = run.revision;
      }
    }
  }
}

/** Which of several notebooks on one kernel a run is of; one that was renamed since is not known by its old name. */
function mayBelong(run: CellRun, path: string, paths: readonly string[]): boolean {
  return run.path === undefined || run.path === path || !paths.includes(run.path);
}
