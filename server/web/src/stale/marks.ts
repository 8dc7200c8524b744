import type { Cell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import { NotebookActions } from "@jupyterlab/notebook";
import { Throttler } from "@lumino/polling";
import { type ISignal, Signal } from "@lumino/signaling";
import { findStale, isCurable, planRun, type Reason } from "../../../stale/graph.ts";
import { explain, type NamedCell } from "../../../stale/words.ts";
import { KernelRuns } from "./kernel-runs.ts";

/** How often the marks follow somebody who types, in milliseconds. */
const followMs = 150;

/** Marks the stale cells of one notebook and runs them. */
export class StaleMarks {
  readonly #panel: NotebookPanel;
  readonly #runs: KernelRuns;
  readonly #changed = new Signal<this, void>(this);
  readonly #update = new Throttler(() => this.#mark(), { limit: followMs, edge: "trailing" });
  #count = 0;
  #isOn = true;

  constructor(panel: NotebookPanel) {
    this.#panel = panel;
    this.#runs = new KernelRuns(panel.sessionContext);
    this.#runs.changed.connect(() => this.#soon());
    panel.content.modelContentChanged.connect(() => this.#soon());
    panel.disposed.connect(() => this.#end());
  }

  /** Emitted when the number of stale cells has changed. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** How many cells a run would bring up to date. */
  get count(): number {
    return this.#count;
  }

  /** Whether marks are shown. */
  set isOn(isOn: boolean) {
    this.#isOn = isOn;
    this.#mark();
  }

  /** Runs what is stale, in order and no more than is needed; ends at the first cell that fails. */
  async run(): Promise<void> {
    const { content, sessionContext } = this.#panel;
    const done = new Set<string>();
    for (;;) {
      // Each run tells more: what a cell defines is known afterwards.
      const next = planRun(this.#cells(), this.#runs.runs).find((id) => !done.has(id));
      const cell = content.widgets.find(({ model }) => model.id === next);
      if (!next || !cell) break;
      done.add(next);
      if (!(await NotebookActions.runCells(content, [cell], sessionContext))) break;
    }
    this.#mark();
  }

  #cells(): NamedCell[] {
    return this.#panel.content.widgets.flatMap(({ model }) =>
      model.type === "code"
        ? [
            {
              id: model.id,
              source: model.sharedModel.getSource(),
              executionCount: (model.sharedModel as unknown as { execution_count: number | null }).execution_count,
            },
          ]
        : [],
    );
  }

  #soon(): void {
    void this.#update.invoke().catch(() => undefined);
  }

  #mark(): void {
    if (this.#panel.isDisposed || !this.#panel.content.model) return;
    const cells = this.#isOn ? this.#cells() : [];
    const stale = findStale(cells, this.#runs.runs);
    for (const cell of this.#panel.content.widgets) {
      const reasons = stale.get(cell.model.id);
      showMark(cell, reasons, reasons && explain(cell.model.id, reasons, cells));
    }
    const count = [...stale.values()].filter((reasons) => reasons.some(isCurable)).length;
    if (count === this.#count) return;
    this.#count = count;
    this.#changed.emit();
  }

  #end(): void {
    this.#update.dispose();
    this.#runs.dispose();
    Signal.clearData(this);
  }
}

/** A bar beside the cell's input; its tooltip says why. */
function showMark(cell: Cell, reasons: readonly Reason[] | undefined, text = ""): void {
  let bar = cell.node.querySelector<HTMLElement>(":scope > .cirlab-stale");
  if (!reasons) {
    bar?.remove();
    return;
  }
  if (!bar) {
    bar = document.createElement("div");
    bar.className = "cirlab-stale";
    bar.setAttribute("role", "note");
    cell.node.append(bar);
  }
  const isHidden = !reasons.some(isCurable);
  bar.dataset.kind = isHidden ? "hidden" : "stale";
  const title = `${isHidden ? "Hidden state" : "Stale"}\n${text}`;
  if (bar.title === title) return;
  bar.title = title;
  bar.setAttribute("aria-label", title);
}
