import { INotebookShell, type NotebookApp } from "@jupyter-notebook/application";
import { isCodeCellModel } from "@jupyterlab/cells";
import { INotebookTracker } from "@jupyterlab/notebook";
import type { IPlugin } from "@lumino/coreutils";
import { Widget } from "@lumino/widgets";
import { runChannel } from "./live/run-channel.ts";
import { RunCharts } from "./live/run-charts.ts";
import type { RunSeries } from "./live/run-series.ts";
import { labIcon } from "./logo.ts";

/** Shows one run at a time; the newest one unless the reader chose another. */
class LivePanel extends Widget {
  readonly #select = document.createElement("select");
  readonly #empty = document.createElement("div");
  #charts: RunCharts | undefined;

  constructor() {
    super();
    this.id = "cirlab-live-panel";
    this.addClass("cirlab-live");
    this.title.label = "Live run";
    this.title.caption = "Live run";
    this.title.icon = labIcon;
    this.title.closable = true;
    this.#select.setAttribute("aria-label", "Run");
    this.#select.addEventListener("change", () => this.#show(runChannel.run(this.#select.value)));
    const head = document.createElement("div");
    head.className = "cirlab-live-head";
    head.append(this.#select);
    this.#empty.className = "cirlab-live-empty";
    this.#empty.textContent = "No run is training. This panel follows a run as soon as a cell starts one.";
    this.node.append(head, this.#empty);
    head.hidden = true;
    for (const run of runChannel.runs.values()) this.#list(run);
    runChannel.added.connect((_, run) => this.#list(run));
  }

  #list(run: RunSeries): void {
    const option = document.createElement("option");
    option.value = option.textContent = run.id;
    this.#select.prepend(option);
    this.#select.value = run.id;
    this.#select.parentElement!.hidden = false;
    this.#empty.hidden = true;
    this.#show(run);
  }

  #show(run: RunSeries): void {
    this.#charts?.dispose();
    this.#charts = new RunCharts(run);
    this.node.append(this.#charts.node);
  }
}

const livePanel: IPlugin<NotebookApp, void> = {
  id: "cirlab:live-panel",
  description: "A side panel that follows the training run: reward, accuracy, tool calls, entropy, gradient norm.",
  autoStart: true,
  requires: [INotebookShell, INotebookTracker],
  activate: (_: NotebookApp, shell: INotebookShell, tracker: INotebookTracker): void => {
    const panel = new LivePanel();
    // The shell itself offers what stands in this area in View > Right Sidebar and in the command palette.
    shell.add(panel, "right", { rank: 100, type: "Live run" });
    // A run that begins while a cell of this notebook runs is taken for its own and opens the panel; a run of another
    // notebook is only listed in it.
    runChannel.started.connect(() => {
      const cells = tracker.currentWidget?.content.widgets ?? [];
      if (cells.some(({ model }) => isCodeCellModel(model) && model.executionState === "running"))
        shell.expandRight(panel.id);
    });
    runChannel.subscribe("*");
  },
};

export default livePanel;
