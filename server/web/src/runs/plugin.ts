import type { NotebookApp } from "@jupyter-notebook/application";
import { INotebookTree } from "@jupyter-notebook/tree";
import { ICommandPalette } from "@jupyterlab/apputils";
import { PageConfig } from "@jupyterlab/coreutils";
import { IMainMenu } from "@jupyterlab/mainmenu";
import type { IPlugin } from "@lumino/coreutils";
import { RunsPanel } from "./panel.ts";
import { addRunCommands } from "./commands.ts";
import { parseRoute, routeHash, type Route } from "./route.ts";

/** The address at which a place among the runs is shown, from any page. */
const runsAddress = (route: Route): string => `${PageConfig.getBaseUrl()}tree${routeHash(route)}`;

/** A tab of the list of files; other pages have a command that opens it. */
const runsPlugin: IPlugin<NotebookApp, void> = {
  id: "cirlab:runs",
  description: "The runs on disk: their course, settings, alerts, checkpoints and rollouts.",
  autoStart: true,
  optional: [INotebookTree, ICommandPalette, IMainMenu],
  activate: (
    app: NotebookApp,
    tree: INotebookTree | null,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
  ): void => {
    const panel = tree && addTab(app, tree);
    const open = (route: Route): void => {
      if (!panel || !tree) return void window.open(runsAddress(route), "_blank", "noopener");
      tree.currentWidget = panel;
      panel.go(route);
    };
    addRunCommands(app.commands, open, palette, menu);
  },
};

/** The tab beside Files and Running. The address follows it, and it follows the address. */
function addTab(app: NotebookApp, tree: INotebookTree): RunsPanel {
  // The browser's way back leads from place to place.
  const panel = new RunsPanel({
    keep: (hash, isNew) => history[isNew ? "pushState" : "replaceState"](null, "", hash),
  });
  const isShown = () => tree.currentWidget === panel;
  const showAddress = (): boolean => {
    const route = parseRoute(location.hash);
    if (route) panel.showRoute(route);
    return route !== undefined;
  };
  const follow = () => {
    if (showAddress()) tree.currentWidget = panel;
  };
  void app.restored.then(() => {
    tree.addWidget(panel);
    tree.tabBar.addTab(panel.title);
    follow();
    tree.currentChanged.connect(() => {
      const address = isShown() ? panel.hash : location.pathname + location.search;
      if (isShown() ? location.hash !== panel.hash : location.hash) history.replaceState(null, "", address);
      if (isShown()) showAddress();
    });
    window.addEventListener("popstate", follow);
  });
  return panel;
}

export default runsPlugin;
