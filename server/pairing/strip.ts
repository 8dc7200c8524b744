/** Cells with one of these tags keep their outputs; the second is nbstripout's. */
const keepTags = ["keep", "keep_output"];
/** Metadata of cells that tell of a run or of how it was looked at. */
const ofRuns = ["ExecuteTime", "execution", "collapsed", "scrolled", "autoscroll", "trusted"];

interface StoredCell {
  cell_type?: unknown;
  metadata?: Record<string, unknown>;
  outputs?: unknown[];
  execution_count?: number | null;
}

/**
 * A notebook's text without outputs, execution counts, the state of widgets and what runs left in the metadata; all else
 * keeps its place. Undefined for what is no notebook of nbformat 4.
 */
export function stripOutputs(text: string): string | undefined {
  let notebook: { nbformat?: unknown; cells?: StoredCell[]; metadata?: Record<string, unknown> };
  try {
    notebook = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells)) return undefined;
  const keeps = notebook.cells.filter((cell) => stripCell(cell)).length > 0;
  if (!keeps && notebook.metadata) delete notebook.metadata.widgets;
  return `${JSON.stringify(notebook, null, 1)}\n`;
}

/** Returns whether the cell keeps outputs. */
function stripCell(cell: StoredCell): boolean {
  for (const name of ofRuns) if (cell.metadata) delete cell.metadata[name];
  if (cell.cell_type !== "code") return false;
  const tags = cell.metadata?.tags;
  if (Array.isArray(tags) && tags.some((tag) => keepTags.includes(tag))) return (cell.outputs?.length ?? 0) > 0;
  cell.outputs = [];
  cell.execution_count = null;
  return false;
}
