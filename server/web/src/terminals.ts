import { defaultNotebookPathOpener, INotebookPathOpener, type NotebookApp } from "@jupyter-notebook/application";
import { IThemeManager } from "@jupyterlab/apputils";
import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { ITerminalTracker } from "@jupyterlab/terminal";
import type { IPlugin } from "@lumino/coreutils";

const isTerminalPage = (): boolean => PageConfig.getOption("notebookPage") === "terminals";

/** The name at the end of a terminal page's address; the page without one starts a new terminal. */
const nameInAddress = (): string => decodeURIComponent(/\/terminals\/([^/]+)\/?$/.exec(location.pathname)?.[1] ?? "");

/** Once the page has its colours: a terminal that is still being built cannot take others. */
function themed(themes: IThemeManager | null): Promise<void> {
  return new Promise((resolve) => {
    if (!themes || themes.theme) resolve();
    else themes.themeChanged.connect(() => resolve());
  });
}

/** On a page of its own a terminal fills the page; anywhere else a new terminal opens such a page. */
const terminals: IPlugin<NotebookApp, void> = {
  id: "cirlab:terminals",
  description: "Terminals on pages of their own.",
  autoStart: true,
  requires: [ITerminalTracker],
  optional: [INotebookPathOpener, IThemeManager],
  activate: (
    app: NotebookApp,
    tracker: ITerminalTracker,
    opener: INotebookPathOpener | null,
    themes: IThemeManager | null,
  ): void => {
    if (!app.serviceManager.terminals.isAvailable()) return;
    const prefix = URLExt.join(PageConfig.getBaseUrl(), "terminals");
    if (isTerminalPage()) {
      tracker.widgetAdded.connect((_, { content }) => {
        // What the shell wrote last stays readable after its end.
        content.setOption("closeOnExit", false);
        const { name } = content.session;
        document.title = `Terminal ${name}`;
        history.replaceState(null, "", URLExt.join(prefix, encodeURIComponent(name)));
      });
      const name = nameInAddress();
      void Promise.all([app.started, themed(themes)]).then(() =>
        app.commands.execute(name ? "terminal:open" : "terminal:create-new", name ? { name } : {}),
      );
      return;
    }
    tracker.widgetAdded.connect((_, terminal) => {
      (opener ?? defaultNotebookPathOpener).open({ prefix, path: terminal.content.session.name, target: "_blank" });
      // The shell goes on; only this page does not show it.
      terminal.dispose();
    });
  },
};

export default terminals;
