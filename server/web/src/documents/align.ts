import type { CellJson, NotebookJson } from "./merge.ts";

/**
 * Gives the cells of a file that has no ids (before nbformat 4.5, or written by a program that drops them) the ids that
 * the page gave them: the same source in the same order first, then what stands between two such cells, one by one.
 */
export function alignIds(known: readonly CellJson[], file: NotebookJson, freshId: () => string): NotebookJson {
  if (file.cells.every(({ id }) => typeof id === "string")) return file;
  const ids = new Map<number, string>();
  let from = 0;
  let gapStart = 0;
  const pairGap = (end: number, knownStart: number, knownEnd: number): void => {
    for (let i = 0; gapStart + i < end && knownStart + i < knownEnd; i++)
      ids.set(gapStart + i, known[knownStart + i]!.id);
  };
  file.cells.forEach((cell, i) => {
    const at = known.findIndex((other, k) => k >= from && isAlike(other, cell));
    if (at < 0) return;
    pairGap(i, from, at);
    ids.set(i, known[at]!.id);
    from = at + 1;
    gapStart = i + 1;
  });
  pairGap(file.cells.length, from, known.length);
  return { ...file, cells: file.cells.map((cell, i) => ({ ...cell, id: ids.get(i) ?? freshId() })) };
}

const isAlike = (a: CellJson, b: CellJson): boolean => a.cell_type === b.cell_type && a.source === b.source;
