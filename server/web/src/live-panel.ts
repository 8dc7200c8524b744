import { INotebookShell, type NotebookApp } from "@jupyter-notebook/application";
import { isCodeCellModel } from "@jupyterlab/cells";
import { INotebookTracker } from "@jupyterlab/notebook";
import type { IPlugin } from "@lumino/coreutils";
import { Widget } from "@lumino/widgets";
import type { RunListing } from "../../live/messages.ts";
import { h } from "./live/dom.ts";
import { useCommands } from "./live/links.ts";
import { runChannel } from "./live/run-channel.ts";
import { stateName } from "./live/run-head.ts";
import { RunView } from "./live/run-view.ts";
import { labIcon } from "./logo.ts";

const isTrained = ({ state }: RunListing): boolean => state === "running" || state === "paused";

/** Shows one run of those on disk; the one that began last, unless the reader chose another that still trains. */
class LivePanel extends Widget {
  readonly #select = h("select");
  readonly #head = h("div", { className: "cirlab-live-head", hidden: true }, this.#select);
  readonly #empty = h("div", {
    className: "cirlab-live-empty",
    textContent: "There is no run yet. This panel follows a run as soon as a cell, or a terminal, starts one.",
  });
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
    runChannel.started.connect((_, run) => this.#began(run));
  }

  /** Draws nothing while nobody sees it. */
  protected override onAfterShow(): void {
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

const livePanel: IPlugin<NotebookApp, void> = {
  id: "cirlab:live-panel",
  description: "A side panel that follows the runs on disk as they train, and steers them.",
  autoStart: true,
  requires: [INotebookShell, INotebookTracker],
  activate: ({ commands }: NotebookApp, shell: INotebookShell, tracker: INotebookTracker): void => {
    useCommands(commands);
    const panel = new LivePanel();
    // The shell itself offers what stands in this area in View > Right Sidebar and in the command palette.
    shell.add(panel, "right", { rank: 100, type: "Live run" });
    // A run that begins while a cell of this notebook runs, or whose view stands in it, is taken for its own and opens the
    // panel; a run of another notebook is only listed in it.
    runChannel.started.connect((_, { runId }) => {
      const cells = tracker.currentWidget?.content.widgets ?? [];
      const isRunning = cells.some(({ model }) => isCodeCellModel(model) && model.executionState === "running");
      if (isRunning || runChannel.isFollowed(runId)) shell.expandRight(panel.id);
    });
    runChannel.watchList();
  },
};

export default livePanel;
