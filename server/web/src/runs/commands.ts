import type { ICommandPalette } from "@jupyterlab/apputils";
import type { IMainMenu } from "@jupyterlab/mainmenu";
import type { CommandRegistry } from "@lumino/commands";
import type { ReadonlyPartialJSONObject } from "@lumino/coreutils";
import { labIcon } from "../icon.ts";
import { runs } from "./api.ts";
import type { Route } from "./route.ts";

/** Shows the runs. */
const openRuns = "cirlab:open-runs";
/** Shows a run, with the arguments `runId` and, each with those before it, `step`, `group` and `sample`. */
const openRun = "cirlab:open-run";

/** Adds the commands that show runs to the application, its palette and its menu. */
export function addRunCommands(
  commands: CommandRegistry,
  open: (route: Route) => void,
  palette: ICommandPalette | null,
  menu: IMainMenu | null,
): void {
  commands.addCommand(openRuns, {
    label: "Training Runs",
    caption: "Show the recorded training runs and their rollouts",
    icon: labIcon,
    execute: () => open({ view: "list" }),
  });
  commands.addCommand(openRun, {
    label: "Training Run",
    caption: "Show a recorded training run, or rollouts of it",
    execute: async (given) => {
      const found = (await runs.list()).runs.find(({ id }) => id === given.runId);
      open(found ? routeOf(found.path, given) : { view: "list" });
    },
  });
  palette?.addItem({ command: openRuns, category: "CIR Lab" });
  menu?.viewMenu.addGroup([{ command: openRuns }], 100);
}

function routeOf(path: string, { step, group, sample }: ReadonlyPartialJSONObject): Route {
  if (typeof step !== "number") return { view: "run", path };
  const place = {
    ...(typeof group === "number" && { group }),
    ...((typeof sample === "number" || typeof sample === "string") && { sample: String(sample) }),
  };
  return { view: "step", path, step, place };
}
