/** A cell as a notebook file holds it. */
export type CellJson = { id: string; cell_type: string; source: string } & Record<string, unknown>;

/** A notebook as a file holds it; every cell has an id. */
export interface NotebookJson {
  cells: CellJson[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** The parts of a cell that may change one without the other. */
const parts = ["source", "outputs", "metadata", "attachments", "cell_type"] as const;
export type Part = (typeof parts)[number];

/** What both sides had in common: per cell, a digest of each part. */
export interface Base {
  cells: Map<string, Record<Part, string>>;
  order: string[];
  metadata: Record<string, string>;
}

/** A cell that both sides changed, each in its own way. */
export interface Conflict {
  id: string;
  parts: Part[];
  mine: CellJson;
  theirs: CellJson;
}

export interface Merged {
  notebook: NotebookJson;
  /** Cells in which the merged notebook has this side's version for the time being. */
  conflicts: Conflict[];
}

/** Remembers a state that file and page share. */
export function baseOf(notebook: NotebookJson): Base {
  return {
    cells: new Map(notebook.cells.map((cell) => [cell.id, digests(cell)])),
    order: notebook.cells.map(({ id }) => id),
    metadata: Object.fromEntries(Object.entries(notebook.metadata).map(([key, value]) => [key, digest(value)])),
  };
}

/**
 * Joins two versions of a notebook that come from a common one: what only one side changed is taken from it, cell by cell
 * and part by part. A cell that one side deleted and the other changed stays.
 */
export function merge(base: Base, mine: NotebookJson, theirs: NotebookJson): Merged {
  const mineById = new Map(mine.cells.map((cell) => [cell.id, cell]));
  const theirsById = new Map(theirs.cells.map((cell) => [cell.id, cell]));
  const conflicts: Conflict[] = [];
  const cells = new Map<string, CellJson>();
  for (const id of new Set([...mineById.keys(), ...theirsById.keys()])) {
    const [here, there, before] = [mineById.get(id), theirsById.get(id), base.cells.get(id)];
    if (here && there) cells.set(id, mergeCell(before, here, there, conflicts));
    else {
      const only = (here ?? there)!;
      // Deleted by the other side, and not touched since: it goes.
      if (!before || !isSame(before, digests(only))) cells.set(id, only);
    }
  }
  const order = mergeOrder(base.order, [...mineById.keys()], [...theirsById.keys()]).filter((id) => cells.has(id));
  const notebook = {
    ...mine,
    nbformat_minor: Math.max(mine.nbformat_minor, theirs.nbformat_minor),
    cells: order.map((id) => cells.get(id)!),
    metadata: mergeMetadata(base.metadata, mine.metadata, theirs.metadata),
  };
  return { notebook, conflicts };
}

/** The part of a cell as it is compared: outputs go with their number, and what only the page knows does not count. */
export function partOf(cell: CellJson, part: Part): unknown {
  if (part === "outputs") return [cell.outputs ?? null, cell.execution_count ?? null];
  if (part === "metadata") {
    const { trusted: _, execution: __, ...metadata } = (cell.metadata ?? {}) as Record<string, unknown>;
    return metadata;
  }
  return cell[part] ?? null;
}

/** A cell with some parts taken from another version of it. */
export function withParts(cell: CellJson, from: CellJson, taken: readonly Part[]): CellJson {
  const result: Record<string, unknown> = { ...cell };
  for (const part of taken)
    for (const key of part === "outputs" ? ["outputs", "execution_count"] : [part]) {
      if (from[key] === undefined) delete result[key];
      else result[key] = from[key];
    }
  return result as CellJson;
}

function mergeCell(
  before: Record<Part, string> | undefined,
  mine: CellJson,
  theirs: CellJson,
  conflicts: Conflict[],
): CellJson {
  const [here, there] = [digests(mine), digests(theirs)];
  const taken: Part[] = [];
  const inConflict: Part[] = [];
  for (const part of parts) {
    if (here[part] === there[part]) continue;
    if (before && here[part] === before[part]) taken.push(part);
    else if (!before || there[part] !== before[part]) inConflict.push(part);
  }
  const merged = withParts(mine, theirs, taken);
  if (inConflict.length > 0) conflicts.push({ id: mine.id, parts: inConflict, mine: merged, theirs });
  return merged;
}

/** If only one side moved cells, its order holds; else this side's. What only the other side has stays after what it followed. */
function mergeOrder(base: string[], mine: string[], theirs: string[]): string[] {
  const known = new Set(base);
  const inBoth = (order: string[], other: string[]): string => {
    const there = new Set(other);
    return JSON.stringify(order.filter((id) => known.has(id) && there.has(id)));
  };
  const moved = inBoth(mine, base) !== inBoth(base, mine);
  const [lead, rest] = moved ? [mine, theirs] : [theirs, mine];
  const order = [...lead];
  const present = new Set(order);
  rest.forEach((id, i) => {
    if (present.has(id)) return;
    const after = rest.slice(0, i).findLast((earlier) => present.has(earlier));
    order.splice(after === undefined ? 0 : order.indexOf(after) + 1, 0, id);
    present.add(id);
  });
  return order;
}

function mergeMetadata(
  base: Record<string, string>,
  mine: Record<string, unknown>,
  theirs: Record<string, unknown>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const isMineOld = key in mine ? digest(mine[key]) === base[key] : !(key in base);
    const source = isMineOld ? theirs : mine;
    if (key in source) merged[key] = source[key];
  }
  return merged;
}

function digests(cell: CellJson): Record<Part, string> {
  return Object.fromEntries(parts.map((part) => [part, digest(partOf(cell, part))])) as Record<Part, string>;
}

const isSame = (a: Record<Part, string>, b: Record<Part, string>): boolean =>
  parts.every((part) => a[part] === b[part]);

/** 53 bits and the length of the value's text: enough to tell versions of one cell apart. */
function digest(value: unknown): string {
  const text = JSON.stringify(sorted(value));
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return `${text.length}:${4294967296 * (2097151 & b) + (a >>> 0)}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
