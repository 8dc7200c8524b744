import type { NotebookApp } from "@jupyter-notebook/application";
import { INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import type { IPlugin } from "@lumino/coreutils";
import { DiskSync } from "./disk-sync.ts";
import { Follower } from "./follower.ts";

const documents: IPlugin<NotebookApp, void> = {
  id: "cirlab:documents",
  description: "Shows cells that run elsewhere, and joins changes of a notebook that come from elsewhere.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: (app: NotebookApp, tracker: INotebookTracker): void => {
    const open = new Map<NotebookPanel, { follower: Follower; sync: DiskSync }>();
    const ofNotebook = (notebook: unknown) => [...open].find(([panel]) => panel.content === notebook)?.[1];
    tracker.widgetAdded.connect((_, panel) => {
      const follower = new Follower(panel);
      const sync = new DiskSync(panel, app.serviceManager, {
        joined: () => follower.catchUp(),
        reverted: () => follower.ask(),
      });
      open.set(panel, { follower, sync });
      panel.disposed.connect(() => {
        sync.dispose();
        open.delete(panel);
      });
    });
    // A cell that was started is on disk before its page may be closed: its outputs will find it there.
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) =>
      ofNotebook(notebook)?.sync.ran(cell.model.id),
    );
    NotebookActions.executed.connect((_, { notebook }) => ofNotebook(notebook)?.sync.saveSoon());
    NotebookActions.outputCleared.connect((_, { notebook, cell }) =>
      ofNotebook(notebook)?.follower.cleared([cell.model.id]),
    );
  },
};

export default documents;
