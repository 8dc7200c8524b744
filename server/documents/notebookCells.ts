import type { Notebook } from "../api/contents/notebooks.ts";
import type { CellRun } from "./cellRun.ts";

type Cell = Notebook["cells"][number];

/**
 * Puts what runs show into the cells of a notebook, and touches nothing else.
 *
 * @param mayAdd a cell that was run before its notebook was ever saved with it is added at the end, so that its code and
 *   outputs are not lost.
 * @returns the runs that the notebook now holds, and whether it differs from before.
 */
export function writeRuns(
  notebook: Notebook,
  runs: readonly CellRun[],
  mayAdd: boolean,
): { written: CellRun[]; isChanged: boolean } {
  const written: CellRun[] = [];
  let isChanged = false;
  for (const run of runs) {
    let cell = cellOf(notebook, run);
    if (!cell && run.isKnownToFile) {
      // Someone deleted it.
      written.push(run);
      continue;
    }
    if (!cell && !mayAdd) continue;
    if (!cell) {
      cell = { cell_type: "code", source: run.code, metadata: {}, outputs: [], execution_count: null };
      if (hasIds(notebook)) cell.id = run.cellId;
      notebook.cells.push(cell);
    }
    const { execution: _, ...metadata } = (cell.metadata ?? {}) as Record<string, unknown>;
    Object.assign(cell, {
      outputs: run.toJSON(),
      // As pages do: a number says that the cell has ended.
      execution_count: run.state === "ended" ? run.executionCount : null,
      // The outputs are the kernel's own, from a cell that the user ran.
      metadata: { ...metadata, trusted: true, ...(run.timing ? { execution: run.timing } : {}) },
    });
    written.push(run);
    isChanged = true;
  }
  return { written, isChanged };
}

/** Notebooks before nbformat 4.5 have no cell ids: there, the only cell with the code that ran. */
function cellOf(notebook: Notebook, run: CellRun): Cell | undefined {
  const cells = notebook.cells.filter(({ cell_type }) => cell_type === "code");
  const byId = cells.find(({ id }) => id === run.cellId);
  if (byId || hasIds(notebook)) return byId;
  const sameCode = cells.filter(({ source }) => source === run.code);
  return sameCode.length === 1 ? sameCode[0] : undefined;
}

function hasIds({ nbformat_minor, cells }: Notebook): boolean {
  return nbformat_minor >= 5 || cells.some(({ id }) => id !== undefined);
}
