import type { NotebookApp } from "@jupyter-notebook/application";
import type { ISessionContext } from "@jupyterlab/apputils";
import { CodeCell } from "@jupyterlab/cells";
import { INotebookCellExecutor, runCell } from "@jupyterlab/notebook";
import type { IPlugin } from "@lumino/coreutils";

/** How long a cell waits for a kernel that was chosen and does not come, in milliseconds. */
const patienceMs = 60_000;

/**
 * Runs cells as Jupyter does, but one that is started before the notebook has its kernel waits for it: Jupyter's own
 * executor drops such a cell without a word.
 */
const earlyCells: IPlugin<NotebookApp, INotebookCellExecutor> = {
  id: "cirlab:early-cells",
  description: "Runs cells; those that are started while the kernel is not there yet wait for it.",
  autoStart: true,
  provides: INotebookCellExecutor,
  activate: () => ({
    runCell: async (options) => {
      const { cell, sessionContext } = options;
      if (cell instanceof CodeCell && sessionContext && !sessionContext.session?.kernel) {
        const before = cell.model.executionState;
        cell.model.executionState = "running";
        await kernelComes(sessionContext);
        if (cell.isDisposed) return false;
        cell.model.executionState = before;
      }
      return runCell(options);
    },
  }),
};

/** The client tells nobody when it has looked for a kernel in vain; asking it to begin would come too early. */
interface ContextInside {
  _initPromise?: { promise: Promise<boolean> };
}

/** Settles when the notebook has a kernel, or will have none unless somebody chooses one. */
async function kernelComes(context: ISessionContext): Promise<void> {
  await Promise.race([context.ready, (context as ContextInside)._initPromise?.promise]);
  const isOver = (): boolean => context.isDisposed || context.hasNoKernel || Boolean(context.session?.kernel);
  if (isOver()) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, patienceMs);
    const signals = [context.kernelChanged, context.statusChanged, context.sessionChanged] as const;
    function look(): void {
      if (isOver()) end();
    }
    function end(): void {
      clearTimeout(timer);
      for (const signal of signals) (signal as typeof context.kernelChanged).disconnect(look);
      context.disposed.disconnect(end);
      resolve();
    }
    for (const signal of signals) (signal as typeof context.kernelChanged).connect(look);
    context.disposed.connect(end);
  });
}

export default earlyCells;
