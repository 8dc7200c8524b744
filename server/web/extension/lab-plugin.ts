import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette, MainAreaWidget } from "@jupyterlab/apputils";
import { IMainMenu } from "@jupyterlab/mainmenu";
import { INotebookTracker } from "@jupyterlab/notebook";
import { useCommands } from "../src/live/links.ts";
import { LivePanel, openWithRuns } from "../src/live/panel.ts";
import { runChannel } from "../src/live/run-channel.ts";
import { readRunsFrom } from "../src/runs/api.ts";
import { addRunCommands } from "../src/runs/commands.ts";
import { RunsPanel } from "../src/runs/panel.ts";
import type { Route } from "../src/runs/route.ts";
import { KernelLink } from "./kernel-link.ts";

/** Shows places among the runs in a tab of an area, which is made when it is first needed. */
function runsOpener(shell: JupyterFrontEnd.IShell, area: string): (route: Route) => void {
  let tab: MainAreaWidget<RunsPanel> | undefined;
  return (route) => {
    runChannel.wake();
    if (!tab || tab.isDisposed) {
      tab = new MainAreaWidget({ content: new RunsPanel() });
      tab.id = "cirlab-runs-tab";
      tab.toolbar.hide();
      shell.add(tab, area, { type: "Training runs" });
    }
    shell.activateById(tab.id);
    tab.content.go(route);
  };
}

/** The lab in the window of JupyterLab: what our own notebook has from its server comes from the notebook's kernel. */
const labPlugin: JupyterFrontEndPlugin<void> = {
  id: "cirlab:lab",
  description: "Follows the runs of a notebook's kernel as they train, steers them, and shows those on disk.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, IMainMenu, ILabShell],
  activate: (
    { commands, shell }: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
    labShell: ILabShell | null,
  ): void => {
    useCommands(commands);
    const link = new KernelLink();
    runChannel.use(link);
    readRunsFrom(link);
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
    // The main area of Notebook 7 holds one document and nothing else.
    addRunCommands(commands, runsOpener(shell, labShell ? "main" : "right"), palette, menu);
  },
};

export default labPlugin;
