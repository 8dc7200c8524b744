import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { StaleMarks } from "./marks.ts";

const id = "cirlab:stale-cells";
const command = "cirlab:run-stale";

/** Marks stale cells in every notebook and offers to run them. */
const staleCells: JupyterFrontEndPlugin<void> = {
  id,
  description: "Marks cells whose inputs changed since they ran, and runs what is stale.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null,
  ): void => {
    const marks = new Map<NotebookPanel, StaleMarks>();
    let isOn = true;
    const current = (): StaleMarks | undefined =>
      tracker.currentWidget ? marks.get(tracker.currentWidget) : undefined;
    const changed = () => app.commands.notifyCommandChanged(command);

    tracker.widgetAdded.connect((_, panel) => {
      const made = new StaleMarks(panel);
      made.isOn = isOn;
      made.changed.connect(changed);
      marks.set(panel, made);
      panel.disposed.connect(() => marks.delete(panel));
    });
    tracker.currentChanged.connect(changed);

    app.commands.addCommand(command, {
      label: (args) => (args.toolbar ? `Run ${current()?.count ?? 0} stale` : "Run What Is Stale"),
      caption: "Run the cells whose inputs changed since they ran, in order, and no more than is needed",
      isVisible: (args) => !args.toolbar || (current()?.count ?? 0) > 0,
      isEnabled: () => (current()?.count ?? 0) > 0,
      execute: () => current()?.run(),
      describedBy: {
        args: {
          type: "object",
          properties: { toolbar: { type: "boolean", description: "Whether it is shown in a toolbar, with the count" } },
        },
      },
    });
    palette?.addItem({ command, category: "Notebook Operations" });

    void settings?.load(id).then((loaded) => {
      const follow = () => {
        isOn = loaded.get("mark").composite !== false;
        for (const each of marks.values()) each.isOn = isOn;
      };
      loaded.changed.connect(follow);
      follow();
    });
  },
};

export default staleCells;
