import type { NotebookApp } from "@jupyter-notebook/application";
import { INotebookTree } from "@jupyter-notebook/tree";
import { ICommandPalette } from "@jupyterlab/apputils";
import { PageConfig } from "@jupyterlab/coreutils";
import { IMainMenu } from "@jupyterlab/mainmenu";
import type { IPlugin, ReadonlyPartialJSONObject } from "@lumino/coreutils";
import { labIcon } from "../icon.ts";
import { runs } from "./api.ts";
import { RunsPanel } from "./panel.ts";
import { routeHash, type Route } from "./route.ts";

/** Shows the runs. */
const openRuns = "cirlab:open-runs";
/** Shows a run, with the arguments `runId` and, each with those before it, `step`, `group` and `sample`. */
const openRun = "cirlab:open-run";

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
    app.commands.addCommand(openRuns, {
      label: "Training Runs",
      caption: "Show the recorded training runs and their rollouts",
      icon: labIcon,
      execute: () => open({ view: "list" }),
    });
    app.commands.addCommand(openRun, {
      label: "Training Run",
      caption: "Show a recorded training run, or rollouts of it",
      execute: async (given) => {
        const found = (await runs.list()).runs.find(({ id }) => id === given.runId);
        open(found ? routeOf(found.path, given) : { view: "list" });
      },
    });
    palette?.addItem({ command: openRuns, category: "CIR Lab" });
    menu?.viewMenu.addGroup([{ command: openRuns }], 100);
  },
};

function routeOf(path: string, { step, group, sample }: ReadonlyPartialJSONObject): Route {
  if (typeof step !== "number") return { view: "run", path };
  const place = {
    ...(typeof group === "number" && { group }),
    ...((typeof sample === "number" || typeof sample === "string") && { sample: String(sample) }),
  };
  return { view: "step", path, step, place };
}

/** The tab beside Files and Running. The address follows it, and it follows the address. */
function addTab(app: NotebookApp, tree: INotebookTree): RunsPanel {
  const panel = new RunsPanel();
  const isShown = () => tree.currentWidget === panel;
  const follow = () => {
    if (panel.showAddress()) tree.currentWidget = panel;
  };
  void app.restored.then(() => {
    tree.addWidget(panel);
    tree.tabBar.addTab(panel.title);
    follow();
    tree.currentChanged.connect(() => {
      const address = isShown() ? panel.hash : location.pathname + location.search;
      if (isShown() ? location.hash !== panel.hash : location.hash) history.replaceState(null, "", address);
      if (isShown()) panel.showAddress();
    });
    window.addEventListener("popstate", follow);
  });
  return panel;
}

export default runsPlugin;
