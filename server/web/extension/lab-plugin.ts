import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { useCommands } from "../src/live/links.ts";
import { LivePanel, openWithRuns } from "../src/live/panel.ts";
import { runChannel } from "../src/live/run-channel.ts";
import { KernelLink } from "./kernel-link.ts";

/** The lab in the window of JupyterLab: what our own notebook has from its server comes from the notebook's kernel. */
const labPlugin: JupyterFrontEndPlugin<void> = {
  id: "cirlab:lab",
  description: "A side panel that follows the runs of a notebook's kernel as they train, and steers them.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: ({ commands, shell }: JupyterFrontEnd, tracker: INotebookTracker): void => {
    useCommands(commands);
    const link = new KernelLink();
    runChannel.use(link);
    const follow = () => {
      const kernel = tracker.currentWidget?.sessionContext.session?.kernel;
      if (kernel) void link.use(kernel);
    };
    tracker.currentChanged.connect(follow);
    tracker.widgetAdded.connect((_, { sessionContext }) => sessionContext.kernelChanged.connect(follow));
    follow();
    const panel = new LivePanel();
    shell.add(panel, "right", { rank: 900, type: "Live run" });
    openWithRuns(tracker, () => shell.activateById(panel.id));
  },
};

export default labPlugin;
