import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookTracker } from "@jupyterlab/notebook";
import { Widget } from "@lumino/widgets";
import type { RunListing } from "../../../../src/live/messages.ts";
import { labIcon } from "../icon.ts";
import { h, sentence } from "./dom.ts";
import { runChannel } from "./run-channel.ts";
import { stateName } from "./run-head.ts";
import { RunView } from "./run-view.ts";

const isTrained = ({ state }: RunListing): boolean => state === "running" || state === "paused";

/** Shows one run of those on disk; the one that began last, unless the reader chose another that still trains. */
export class LivePanel extends Widget {
  readonly #select = h("select");
  readonly #head = h("div", { className: "cirlab-live-head", hidden: true }, this.#select);
  readonly #empty = h("div", { className: "cirlab-live-empty" });
  #listed = "";
  #isChosen = false;
  #view: RunView | undefined;

  constructor() {
    super();
    this.id = "cirlab-live-panel";
    this.addClass("cirlab-live");
    this.title.label = "Live run";
    this.title.caption = "Live run";
    this.title.icon = labIcon;
    this.title.closable = true;
    this.#select.setAttribute("aria-label", "Run");
    this.#select.addEventListener("change", () => {
      this.#isChosen = true;
      this.#showRun();
    });
    this.node.append(this.#head, this.#empty);
    runChannel.listChanged.connect(() => this.#list());
    runChannel.connection.connect(() => this.#tellEmpty());
    this.#tellEmpty();
    runChannel.started.connect((_, run) => this.#began(run));
  }

  /** Draws nothing while nobody sees it. */
  protected override onAfterShow(): void {
    runChannel.wake();
    this.#showRun();
  }

  protected override onAfterHide(): void {
    this.#view?.dispose();
    this.#view = undefined;
  }

  #list(): void {
    const { list } = runChannel;
    const listed = JSON.stringify(list.map(({ runId, state }) => [runId, state]));
    if (listed === this.#listed) return;
    this.#listed = listed;
    const before = this.#select.value;
    this.#select.replaceChildren(
      ...list.map(({ runId, state }) => h("option", { value: runId, textContent: `${runId} · ${stateName(state)}` })),
    );
    const stays = list.some(({ runId }) => runId === before);
    this.#select.value = stays ? before : ((list.find(isTrained) ?? list[0])?.runId ?? "");
    this.#head.hidden = list.length === 0;
    this.#empty.hidden = list.length > 0;
    this.#showRun();
  }

  #tellEmpty(): void {
    const { trouble } = runChannel;
    const none = "There is no run yet. This panel follows a run as soon as a cell, or a terminal, starts one.";
    this.#empty.textContent = trouble === undefined ? none : sentence(trouble);
  }

  #began({ runId }: RunListing): void {
    const shown = runChannel.list.find((run) => run.runId === this.#select.value);
    if (this.#isChosen && shown && isTrained(shown) && shown.runId !== runId) return;
    this.#isChosen = false;
    this.#select.value = runId;
    this.#showRun();
  }

  #showRun(): void {
    const runId = this.#select.value;
    if (!this.isVisible || !runId || this.#view?.run.id === runId) return;
    this.#view?.dispose();
    this.#view = new RunView(runId);
    this.node.append(this.#view.node);
  }
}

/** A window in which a side panel leaves the notebook room; narrower ones show the application without its header, too. */
const roomy = "(min-width: 760px)";

/**
 * Calls `open` when a run begins that belongs to the notebook in front: a cell of it runs, or the run's view stands in it.
 * A run of another notebook is only listed; in a narrow window the view under the cell is enough.
 */
export function openWithRuns(tracker: INotebookTracker, open: () => void): void {
  runChannel.started.connect((_, { runId }) => {
    const cells = tracker.currentWidget?.content.widgets ?? [];
    const isRunning = cells.some(
      ({ model }) => model.type === "code" && (model as ICodeCellModel).executionState === "running",
    );
    if ((isRunning || runChannel.isFollowed(runId)) && matchMedia(roomy).matches) open();
  });
  runChannel.watchList();
}
