import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { INotebookModel, NotebookPanel } from "@jupyterlab/notebook";
import { type Contents, ServerConnection, type ServiceManager } from "@jupyterlab/services";
import { UUID } from "@lumino/coreutils";
import { queue } from "../../../../src/base/in-turn.ts";
import { alignIds } from "./align.ts";
import { applyNotebook, notebookOf } from "./apply.ts";
import { type Choice, chooseVersions } from "./conflict-dialog.ts";
import { type Base, baseOf, type CellJson, merge, type NotebookJson, type Part, withParts } from "./merge.ts";

/** The event that the server sends when a file that pages have read is another one. */
const changeEvent = "https://cirlab.dev/events/document-changed/v1";
const saveDelayMs = 300;
/** Saving takes at most a tenth of the time. */
const restPerSave = 10;

/** What the document's context keeps to itself and this replaces: how it saves. */
interface ContextInside {
  _maybeSave(options: Partial<Contents.IModel>): Promise<Contents.IModel>;
  _updateContentsModel(model: Contents.IModel): void;
}

interface DiskListener {
  /** Cells may have come from the file. */
  joined(): void;
  /** The whole notebook was read anew. */
  reverted(): void;
}

/**
 * Keeps a notebook's page and its file together. What another tab or program changes in the file is taken over at once,
 * joined cell by cell with what was changed here; a save never overwrites a file that this page has not seen.
 */
export class DiskSync {
  readonly #panel: NotebookPanel;
  readonly #services: ServiceManager.IManager;
  readonly #told: DiskListener;
  readonly #events = new AbortController();
  /** Of two saves at once each would find the other's file. */
  readonly #inTurn = queue();
  #base: Base | undefined;
  #isSaving = false;
  /** The last modification of the file that was told of during a save. */
  #heard: string | undefined;
  #joining: Promise<void> | undefined;
  /** Cells that were run in this page. */
  readonly #ran = new Set<string>();
  #saveTimer: number | undefined;
  /** A save was due while another one, or a join, was under way. */
  #isSaveDue = false;
  #notBefore = 0;

  constructor(panel: NotebookPanel, services: ServiceManager.IManager, told: DiskListener) {
    this.#panel = panel;
    this.#services = services;
    this.#told = told;
    const context = this.#context;
    (context as unknown as ContextInside)._maybeSave = (options) => {
      const isFirst = !this.#isSaving;
      this.#isSaving = true;
      // What was joined during an earlier save is part of this one.
      return this.#inTurn(() => this.#save(isFirst ? options : { ...options, content: context.model.toJSON() }));
    };
    const revert = context.revert.bind(context);
    context.revert = async () => {
      await revert();
      this.#base = baseOf(notebookOf(panel.content));
      told.reverted();
    };
    void context.ready.then(() => {
      this.#base = baseOf(notebookOf(panel.content));
    });
    services.events.stream.connect(this.#onEvent, this);
    document.addEventListener("visibilitychange", () => void this.#onVisibility(), { signal: this.#events.signal });
  }

  dispose(): void {
    this.#services.events.stream.disconnect(this.#onEvent, this);
    this.#events.abort();
    window.clearTimeout(this.#saveTimer);
  }

  /** Saves what is unsaved, a moment from now. */
  saveSoon(): void {
    window.clearTimeout(this.#saveTimer);
    const delay = Math.max(saveDelayMs, this.#notBefore - Date.now());
    this.#saveTimer = window.setTimeout(() => {
      const { model, canSave } = this.#context;
      if (this.#isSaving || this.#joining) this.#isSaveDue = true;
      else if (model.dirty && canSave) void this.#context.save().catch(() => undefined);
    }, delay);
  }

  /** A cell is run in this page: what it puts out is newer than what the file says. */
  ran(cellId: string): void {
    this.#ran.add(cellId);
    this.saveSoon();
  }

  #saveWhatIsDue(): void {
    if (this.#isSaveDue) this.saveSoon();
    this.#isSaveDue = false;
  }

  get #context(): DocumentRegistry.IContext<INotebookModel> {
    return this.#panel.context;
  }

  #onEvent(_: unknown, event: { schema_id: string; path?: unknown; last_modified?: unknown }): void {
    if (event.schema_id === changeEvent && event.path === this.#context.localPath)
      this.#checkAgainst(String(event.last_modified));
  }

  async #onVisibility(): Promise<void> {
    if (document.hidden) return this.saveSoon();
    // Events may have been missed, or be impossible on this file system.
    const onDisk = await this.#services.contents.get(this.#context.path, { content: false }).catch(() => undefined);
    if (onDisk) this.#checkAgainst(onDisk.last_modified);
  }

  /** Joins the file if it is not the one that the page knows. */
  #checkAgainst(lastModified: string): void {
    const known = this.#context.contentsModel?.last_modified;
    // A save under way may be what the event tells of, or come before it.
    if (this.#isSaving) this.#heard = lastModified;
    if (this.#isSaving || !this.#base || known === undefined || lastModified === known) return;
    this.#join().catch((error: unknown) => {
      if (!isCancelled(error)) console.error(error);
    });
  }

  async #save(options: Partial<Contents.IModel>): Promise<Contents.IModel> {
    const { contents } = this.#services;
    const { model, path } = this.#context;
    const started = Date.now();
    this.#isSaving = true;
    let { content } = options;
    let hasChanged = false;
    const noteChange = (): void => {
      hasChanged = true;
    };
    const watch = (): void => {
      hasChanged = false;
      model.contentChanged.disconnect(noteChange);
      model.contentChanged.connect(noteChange);
    };
    try {
      for (;;) {
        watch();
        const base = baseOf(notebookOf(this.#panel.content));
        const known = { if_hash: this.#context.contentsModel?.hash };
        const saved = await contents.save(path, { ...options, content, ...known }).catch((error: unknown) => {
          if (error instanceof ServerConnection.ResponseError && error.response.status === 409) return undefined;
          throw error;
        });
        if (saved) {
          this.#base = base;
          (this.#context as unknown as ContextInside)._updateContentsModel(saved);
          return saved;
        }
        await this.#join();
        content = model.toJSON();
      }
    } finally {
      this.#isSaving = false;
      const heard = this.#heard;
      this.#heard = undefined;
      if (heard !== undefined) window.setTimeout(() => this.#checkAgainst(heard));
      this.#notBefore = Date.now() + restPerSave * (Date.now() - started);
      this.#saveWhatIsDue();
      const stayDirty = (_: unknown, state: string): void => {
        if (state === "started") return;
        this.#context.saveState.disconnect(stayDirty);
        model.contentChanged.disconnect(noteChange);
        // What was typed while the file was written is not in it.
        if (hasChanged) model.dirty = true;
      };
      this.#context.saveState.connect(stayDirty);
    }
  }

  #join(): Promise<void> {
    this.#joining ??= this.#joinNow().finally(() => {
      this.#joining = undefined;
      this.#saveWhatIsDue();
    });
    return this.#joining;
  }

  async #joinNow(): Promise<void> {
    const { content: notebook } = this.#panel;
    const onDisk = await this.#services.contents.get(this.#context.path, {
      ...{ type: "notebook", format: "json", content: true, hash: true },
    });
    if (this.#panel.isDisposed || !this.#base) return;
    const known = notebookOf(notebook);
    const theirs = alignIds(known.cells, onDisk.content as NotebookJson, () => UUID.uuid4());
    const choices = new Map<string, Choice>();
    for (;;) {
      const mine = notebookOf(notebook);
      const merged = merge(this.#base, mine, theirs);
      const running = runningCells(this.#panel);
      const isNewer = (id: string, parts: readonly Part[]): boolean =>
        running.has(id) || (this.#ran.has(id) && !parts.includes("source"));
      const open = merged.conflicts
        .map(({ parts, ...conflict }) => ({
          ...conflict,
          parts: parts.filter((part) => part !== "outputs" || !isNewer(conflict.id, parts)),
        }))
        .filter(({ id, parts }) => parts.length > 0 && !choices.has(id));
      if (open.length > 0) {
        const order = merged.notebook.cells.map(({ id }) => id);
        for (const [id, choice] of await chooseVersions(this.#context.localPath, open, order)) choices.set(id, choice);
        // What cells put out meanwhile is part of this side.
        continue;
      }
      const cells = merged.notebook.cells.flatMap((cell): CellJson[] => {
        const conflict = merged.conflicts.find(({ id }) => id === cell.id);
        const choice = conflict && choices.get(cell.id);
        if (!conflict || !choice || choice === "mine") return [cell];
        if (choice === "theirs") return [withParts(cell, conflict.theirs, conflict.parts)];
        return [cell, { ...conflict.theirs, id: UUID.uuid4() }];
      });
      applyNotebook(notebook, { ...merged.notebook, cells }, theirs);
      break;
    }
    this.#base = baseOf(theirs);
    (this.#context as unknown as ContextInside)._updateContentsModel(onDisk);
    // Nothing is left to save if the page now shows what the file holds.
    const now = merge(this.#base, notebookOf(notebook), theirs);
    this.#context.model.dirty = !isUnchanged(this.#base, now.notebook);
    this.#told.joined();
  }
}

function isUnchanged(base: Base, notebook: NotebookJson): boolean {
  const now = baseOf(notebook);
  return (
    JSON.stringify([now.order, Object.fromEntries(now.cells)]) ===
    JSON.stringify([base.order, Object.fromEntries(base.cells)])
  );
}

function runningCells(panel: NotebookPanel): Set<string> {
  const ids = new Set<string>();
  for (const { model } of panel.content.widgets)
    if ((model as { executionState?: string }).executionState === "running") ids.add(model.id);
  return ids;
}

function isCancelled(error: unknown): boolean {
  const { name } = (error ?? {}) as Error;
  return name === "ModalCancelError" || name === "ModalDuplicateError";
}
