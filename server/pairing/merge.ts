import { randomUUID } from "node:crypto";
import { kernelName, ownKernelSpec } from "../../kernel/specs/index.ts";
import type { Notebook } from "../api/contents/notebooks.ts";
import type { Script, ScriptCell } from "./percent.ts";

const ownKernel = { name: kernelName, display_name: ownKernelSpec().display_name, language: "typescript" };

type Cell = Notebook["cells"][number];

/** Metadata that say how a cell is shown here and now: a script does not hold them. */
const shownOnly = ["autoscroll", "collapsed", "scrolled", "trusted", "ExecuteTime", "execution"];
/** Metadata of the notebook that a script holds. */
const inHeader = ["kernelspec", "jupytext"];

/** What a script beside the notebook holds of it. */
export function scriptOf(notebook: Notebook): Script {
  return {
    metadata: Object.fromEntries(
      inHeader.flatMap((key) => (key in notebook.metadata ? [[key, notebook.metadata[key]]] : [])),
    ),
    cells: notebook.cells.map((cell) => ({
      cell_type: cell.cell_type as ScriptCell["cell_type"],
      metadata: Object.fromEntries(Object.entries(metadataOf(cell)).filter(([key]) => !shownOnly.includes(key))),
      source: sourceOf(cell),
    })),
  };
}

/**
 * The notebook with the script's cells: a cell whose source is unchanged keeps its outputs and its id, also when it was
 * moved; a changed one keeps its id.
 */
export function mergeScript(notebook: Notebook, script: Script): Notebook {
  const before = notebook.cells;
  const partners = match(before, script.cells);
  const cells = script.cells.map((cell, i) => {
    const partner = before[partners[i] ?? -1];
    return partner && isSame(partner, cell) ? kept(partner, cell) : changed(notebook, partner, cell);
  });
  const { jupytext, ...metadata } = script.metadata;
  const { jupytext: own } = notebook.metadata;
  return {
    ...notebook,
    metadata: {
      ...notebook.metadata,
      ...(metadata as Notebook["metadata"]),
      ...(own === undefined ? {} : { jupytext: own }),
    },
    cells,
  };
}

/** A script as a notebook of its own. */
export function notebookOf(script: Script): Notebook {
  const empty: Notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const merged = mergeScript(empty, script);
  // Without a header, it is this package's kernel that runs TypeScript.
  return { ...merged, metadata: { kernelspec: ownKernel, ...(script.metadata as Notebook["metadata"]) } };
}

function kept(cell: Cell, { metadata }: ScriptCell): Cell {
  return { ...cell, metadata: { ...shownOf(cell), ...(metadata as Cell) } };
}

function changed(notebook: Notebook, partner: Cell | undefined, { cell_type, metadata, source, id }: ScriptCell): Cell {
  const hasIds = notebook.nbformat_minor >= 5;
  return {
    cell_type,
    ...(hasIds ? { id: partner?.id ?? id ?? randomUUID().slice(0, 8) } : {}),
    metadata: metadata as Cell,
    source,
    ...(partner?.attachments && cell_type !== "code" ? { attachments: partner.attachments } : {}),
    ...(cell_type === "code" ? { execution_count: null, outputs: [] } : {}),
  };
}

/** For each cell of the script the place of the notebook's cell that it was. */
function match(before: readonly Cell[], after: readonly ScriptCell[]): (number | undefined)[] {
  const partners = commonCells(before, after);
  const isTaken = new Set(partners.filter((place) => place !== undefined));
  const take = (i: number, place: number) => {
    partners[i] = place;
    isTaken.add(place);
  };
  // Moved as they are.
  for (const [i, cell] of after.entries()) {
    if (partners[i] !== undefined) continue;
    const place = before.findIndex((old, j) => !isTaken.has(j) && isSame(old, cell));
    if (place >= 0) take(i, place);
  }
  // Changed in place: the next free one of its type behind the partner of the cell above.
  for (const [i, cell] of after.entries()) {
    if (partners[i] !== undefined) continue;
    for (let j = (partners[i - 1] ?? -1) + 1; j < before.length && !isTaken.has(j); j++)
      if (before[j]!.cell_type === cell.cell_type) {
        take(i, j);
        break;
      }
  }
  return partners;
}

/** The longest common sequence of unchanged cells. */
function commonCells(before: readonly Cell[], after: readonly ScriptCell[]): (number | undefined)[] {
  const partners: (number | undefined)[] = after.map(() => undefined);
  let start = 0;
  while (start < after.length && start < before.length && isSame(before[start]!, after[start]!)) {
    partners[start] = start;
    start++;
  }
  let [i, j] = [after.length, before.length];
  while (i > start && j > start && isSame(before[j - 1]!, after[i - 1]!)) partners[--i] = --j;
  const [rows, columns] = [i - start, j - start];
  // lengths[r][c]: of the longest common sequence from row r and column c on.
  const lengths = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  for (let r = rows - 1; r >= 0; r--)
    for (let c = columns - 1; c >= 0; c--)
      lengths[r]![c] = isSame(before[start + c]!, after[start + r]!)
        ? lengths[r + 1]![c + 1]! + 1
        : Math.max(lengths[r + 1]![c]!, lengths[r]![c + 1]!);
  for (let r = 0, c = 0; r < rows && c < columns; ) {
    if (isSame(before[start + c]!, after[start + r]!)) partners[start + r++] = start + c++;
    else if (lengths[r + 1]![c]! >= lengths[r]![c + 1]!) r++;
    else c++;
  }
  return partners;
}

const isSame = (cell: Cell, other: ScriptCell): boolean =>
  cell.cell_type === other.cell_type && sourceOf(cell) === other.source;

const sourceOf = (cell: Cell): string =>
  Array.isArray(cell.source) ? cell.source.join("") : typeof cell.source === "string" ? cell.source : "";

const metadataOf = (cell: Cell): Cell =>
  typeof cell.metadata === "object" && cell.metadata !== null && !Array.isArray(cell.metadata) ? cell.metadata : {};

const shownOf = (cell: Cell): Cell =>
  Object.fromEntries(Object.entries(metadataOf(cell)).filter(([key]) => shownOnly.includes(key)));
