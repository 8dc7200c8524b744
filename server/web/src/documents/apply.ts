import { type CellModel, type ICodeCellModel, isCodeCellModel } from "@jupyterlab/cells";
import type { IOutput } from "@jupyterlab/nbformat";
import type { Notebook } from "@jupyterlab/notebook";
import { type CellJson, type NotebookJson, type Part, partOf } from "./merge.ts";

/** The notebook as it stands in the page; cells have their ids, also where the file format has none. */
export function notebookOf(notebook: Notebook): NotebookJson {
  const { sharedModel } = notebook.model!;
  return {
    ...(sharedModel.toJSON() as unknown as NotebookJson),
    cells: sharedModel.cells.map((cell) => ({ ...(cell.toJSON() as unknown as CellJson), id: cell.id })),
  };
}

/**
 * Changes the page's notebook into `wanted`, touching only what differs: the reader's place, the selection and the cells
 * that run stay.
 *
 * @param from whose version of outputs may be new here; says whether they are trusted.
 */
export function applyNotebook(notebook: Notebook, wanted: NotebookJson, from: NotebookJson): void {
  const { sharedModel } = notebook.model!;
  const trusted = new Map(
    from.cells.map((cell) => [cell.id, (cell.metadata as { trusted?: boolean }).trusted === true]),
  );
  sharedModel.transact(() => {
    const kept = new Set(wanted.cells.map(({ id }) => id));
    for (let i = sharedModel.cells.length - 1; i >= 0; i--)
      if (!kept.has(sharedModel.cells[i]!.id)) sharedModel.deleteCell(i);
  }, false);
  wanted.cells.forEach((cell, index) => {
    const at = sharedModel.cells.findIndex(({ id }) => id === cell.id);
    const isOtherType = at >= 0 && sharedModel.cells[at]!.cell_type !== cell.cell_type;
    if (at < 0 || isOtherType) {
      sharedModel.transact(() => {
        if (isOtherType) sharedModel.deleteCell(at);
        sharedModel.insertCell(index, cell as never);
      }, false);
      return;
    }
    if (at !== index) sharedModel.transact(() => sharedModel.moveCell(at, index), false);
    applyCell(notebook.model!.cells.get(index) as CellModel, cell, trusted.get(cell.id) ?? false);
  });
  for (const key of new Set([...Object.keys(sharedModel.metadata), ...Object.keys(wanted.metadata)])) {
    const value = wanted.metadata[key];
    if (value === undefined) sharedModel.deleteMetadata(key);
    else if (JSON.stringify(value) !== JSON.stringify(sharedModel.getMetadata(key)))
      sharedModel.setMetadata(key, value as never);
  }
}

function applyCell(model: CellModel, wanted: CellJson, isTrusted: boolean): void {
  const { sharedModel } = model;
  const current = sharedModel.toJSON() as unknown as CellJson;
  const differs = (part: Part): boolean =>
    JSON.stringify(partOf(current, part)) !== JSON.stringify(partOf(wanted, part));
  sharedModel.transact(() => {
    if (differs("source")) replaceText(sharedModel, wanted.source);
    if (differs("metadata")) {
      const { trusted, execution } = (current.metadata ?? {}) as Record<string, unknown>;
      const own = { ...(trusted === undefined ? {} : { trusted }), ...(execution === undefined ? {} : { execution }) };
      sharedModel.setMetadata({ ...(wanted.metadata as object), ...own } as never);
    }
    if (differs("attachments") && "setAttachments" in sharedModel)
      (sharedModel as unknown as { setAttachments(value: unknown): void }).setAttachments(wanted.attachments);
  }, false);
  if (isCodeCellModel(model) && differs("outputs")) replaceOutputs(model, wanted, isTrusted);
}

function replaceOutputs(model: ICodeCellModel, wanted: CellJson, isTrusted: boolean): void {
  // A running cell shows what the kernel says, which is newer than any file.
  if (model.executionState === "running") return;
  model.trusted = isTrusted;
  model.outputs.fromJSON((wanted.outputs ?? []) as IOutput[]);
  model.executionCount = (wanted.execution_count ?? null) as number | null;
}

/** Replaces only the middle that differs, so that a cursor elsewhere in the text stays. */
function replaceText(
  cell: { getSource(): string; updateSource(start: number, end: number, value?: string): void },
  wanted: string,
): void {
  const now = cell.getSource();
  let start = 0;
  while (start < now.length && start < wanted.length && now[start] === wanted[start]) start++;
  let tail = 0;
  while (
    tail < now.length - start &&
    tail < wanted.length - start &&
    now[now.length - 1 - tail] === wanted[wanted.length - 1 - tail]
  )
    tail++;
  cell.updateSource(start, now.length - tail, wanted.slice(start, wanted.length - tail));
}
