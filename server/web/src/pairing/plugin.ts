import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Dialog, ICommandPalette, showDialog } from "@jupyterlab/apputils";
import { PathExt, URLExt } from "@jupyterlab/coreutils";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { ServerConnection } from "@jupyterlab/services";
import type { PairState } from "../../../pairing/pairs.ts";

const command = "cirlab:pair-script";
/** As jupytext has it, so that pairs of either program are pairs of the other. */
const formats = "ipynb,ts:percent";

/** Pairs the notebook with a script beside it, and tells when the script was edited elsewhere. */
const pairing: JupyterFrontEndPlugin<void> = {
  id: "cirlab:pairing",
  description: "Pairs a notebook with a TypeScript file in percent format.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, palette: ICommandPalette | null): void => {
    const current = () => tracker.currentWidget;
    const isNotebook = () => PathExt.extname(current()?.context.path ?? "") === ".ipynb";
    app.commands.addCommand(command, {
      label: "Pair with a TypeScript File",
      caption:
        "Save the notebook's source also as a .ts file in percent format beside it, and read that when it is edited",
      isToggled: () => isPaired(current()),
      isEnabled: isNotebook,
      execute: async () => {
        const panel = current();
        if (!panel) return;
        setPaired(panel, !isPaired(panel));
        await panel.context.save();
      },
      describedBy: { args: { type: "object", properties: {} } },
    });
    palette?.addItem({ command, category: "Notebook Operations" });
    tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(command));
    tracker.widgetAdded.connect((_, panel) => void follow(panel));
  },
};

type Jupytext = { formats?: string } | undefined;

const isPaired = (panel: NotebookPanel | null): boolean =>
  PathExt.extname(panel?.context.path ?? "") === ".ipynb" &&
  (panel?.model?.getMetadata("jupytext") as Jupytext)?.formats === formats;

function setPaired(panel: NotebookPanel, shallBe: boolean): void {
  const { formats: _, ...rest } = (panel.model?.getMetadata("jupytext") ?? {}) as Record<string, never>;
  if (shallBe) panel.model?.setMetadata("jupytext", { ...rest, formats });
  else if (Object.keys(rest).length) panel.model?.setMetadata("jupytext", rest);
  else panel.model?.deleteMetadata("jupytext");
}

/** Looks at the script when the notebook was opened or saved and when the reader comes back to the page. */
async function follow(panel: NotebookPanel): Promise<void> {
  const { context } = panel;
  await context.ready;
  let isAsking = false;
  const look = async () => {
    if (isAsking || panel.isDisposed || !isPaired(panel)) return;
    isAsking = true;
    try {
      const state = await askState(context.path);
      if (state === "conflict") await settle(panel);
      else if (state === "script") await offerReload(panel);
    } finally {
      isAsking = false;
    }
  };
  context.saveState.connect((_, state) => {
    if (state.startsWith("completed")) void look();
  });
  const comeBack = () => {
    if (document.visibilityState === "visible") void look();
  };
  document.addEventListener("visibilitychange", comeBack);
  panel.disposed.connect(() => document.removeEventListener("visibilitychange", comeBack));
  await look();
}

const scriptName = (panel: NotebookPanel): string => `${PathExt.basename(panel.context.path, ".ipynb")}.ts`;

/** Both were changed: one of them has to be taken. */
async function settle(panel: NotebookPanel): Promise<void> {
  const name = scriptName(panel);
  const { button } = await showDialog({
    title: `${name} holds another source than this notebook`,
    body: `${name} was changed elsewhere while this notebook was changed here. Which of them shall be kept? The other one stays as its checkpoint.`,
    buttons: [
      Dialog.cancelButton({ label: "Decide later" }),
      Dialog.okButton({ label: `Take ${name}` }),
      Dialog.okButton({ label: "Take this notebook" }),
    ],
  });
  if (!button.accept) return;
  if (button.label === "Take this notebook") {
    if (panel.context.model.dirty) await panel.context.save();
    await decide(panel.context.path, "notebook");
    await panel.context.revert();
  } else {
    await decide(panel.context.path, "script");
    await panel.context.revert();
  }
}

async function offerReload(panel: NotebookPanel): Promise<void> {
  const name = scriptName(panel);
  const { button } = await showDialog({
    title: `${name} was edited`,
    body: panel.context.model.dirty
      ? `Reload the notebook with the source of ${name}? What was changed here and not saved is lost.`
      : `Reload the notebook with the source of ${name}? Cells that did not change keep their outputs.`,
    buttons: [Dialog.cancelButton({ label: "Not now" }), Dialog.okButton({ label: "Reload" })],
  });
  if (button.accept) await panel.context.revert();
}

async function askState(path: string): Promise<PairState> {
  const response = await request(path, {});
  return response.ok ? ((await response.json()) as { state: PairState }).state : "unpaired";
}

async function decide(path: string, take: "script" | "notebook"): Promise<void> {
  const response = await request(path, { method: "POST", body: JSON.stringify({ take }) });
  if (!response.ok) throw await ServerConnection.ResponseError.create(response);
}

function request(path: string, init: RequestInit): Promise<Response> {
  const settings = ServerConnection.makeSettings();
  return ServerConnection.makeRequest(
    URLExt.join(settings.baseUrl, "api/pairing", URLExt.encodeParts(path)),
    init,
    settings,
  );
}

export default pairing;
