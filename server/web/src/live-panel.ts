import { INotebookShell, type NotebookApp } from "@jupyter-notebook/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import type { IPlugin } from "@lumino/coreutils";
import { useCommands } from "./live/links.ts";
import { LivePanel, openWithRuns } from "./live/panel.ts";

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
    openWithRuns(tracker, () => shell.expandRight(panel.id));
  },
};

export default livePanel;
