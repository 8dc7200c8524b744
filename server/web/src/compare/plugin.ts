import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette, ISessionContextDialogs, Notification, SessionContextDialogs } from "@jupyterlab/apputils";
import { type Cell, isCodeCellModel } from "@jupyterlab/cells";
import { INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { outputDifference, variesTag } from "../../../../kernel/notebook/compare.ts";

const command = "cirlab:run-and-compare";
const markClass = "cirlab-differs";

/** Runs a notebook anew from the top and marks the cells whose outputs differ from those that were there. */
const compare: JupyterFrontEndPlugin<void> = {
  id: "cirlab:compare",
  description: "Runs a notebook from the top in a new kernel and says which outputs differ.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISessionContextDialogs, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    dialogs: ISessionContextDialogs | null,
    palette: ICommandPalette | null,
  ): void => {
    app.commands.addCommand(command, {
      label: "Restart Kernel, Run All Cells and Compare…",
      caption: "Run the notebook from the top in a new kernel and mark the cells whose outputs differ from those here",
      isEnabled: () => tracker.currentWidget !== null,
      execute: () =>
        tracker.currentWidget && runAndCompare(tracker.currentWidget, dialogs ?? new SessionContextDialogs()),
      describedBy: { args: { type: "object", properties: {} } },
    });
    palette?.addItem({ command, category: "Notebook Operations" });
    // A mark is about the run that it was made for.
    NotebookActions.executionScheduled.connect((_, { cell }) => showDifference(cell, undefined));
  },
};

type Outputs = Parameters<typeof outputDifference>[0];

/** What the cells that are compared show now, by cell. */
function outputsOf({ content }: NotebookPanel): Map<Cell, Outputs> {
  return new Map(
    content.widgets.flatMap((cell) => {
      const { model } = cell;
      if (!isCodeCellModel(model)) return [];
      const tags = model.getMetadata("tags");
      const varies = Array.isArray(tags) && tags.includes(variesTag);
      return varies ? [] : [[cell, model.outputs.toJSON() as unknown as Outputs] as const];
    }),
  );
}

async function runAndCompare(panel: NotebookPanel, dialogs: ISessionContextDialogs): Promise<void> {
  const before = outputsOf(panel);
  if (!(await dialogs.restart(panel.sessionContext))) return;
  const isWhole = await NotebookActions.runAll(panel.content, panel.sessionContext, dialogs);
  let differing = 0;
  let ran = 0;
  for (const [cell, now] of outputsOf(panel)) {
    const { model } = cell;
    // After a cell that failed, those below it have not run.
    if (!isWhole && isCodeCellModel(model) && model.executionCount === null) continue;
    ran++;
    const difference = outputDifference(before.get(cell) ?? [], now);
    if (difference !== undefined) differing++;
    showDifference(cell, difference);
  }
  const result = differing === 0 ? `${ran} cells gave the same.` : `${differing} of ${ran} cells differ.`;
  Notification.emit(
    isWhole ? result : `${result} A cell failed; those below it did not run.`,
    differing || !isWhole ? "warning" : "success",
    {
      autoClose: 8000,
    },
  );
}

/** A bar at the right of the cell; its tooltip says what differs. */
function showDifference(cell: Cell, difference: string | undefined): void {
  cell.node.querySelector(`:scope > .${markClass}`)?.remove();
  if (difference === undefined) return;
  const bar = document.createElement("div");
  bar.className = markClass;
  bar.setAttribute("role", "note");
  bar.title = `Not the same as before the run\n${difference}`;
  bar.setAttribute("aria-label", bar.title);
  cell.node.append(bar);
}

export default compare;
