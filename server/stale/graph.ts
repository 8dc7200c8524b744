import type { CellRunRecord, Origin } from "../../kernel/protocol/cellRuns.ts";

/** A code cell of the notebook, in the order of the page. */
export interface CodeCell {
  id: string;
  source: string;
}

/** Why a cell does not show what running the notebook from the top would show. */
export type Reason =
  /** Its own source is not the one that ran. */
  | { kind: "edited" }
  /** `definer` ran after it. */
  | { kind: "anew"; name: string; through?: string; definer: string }
  /** `definer` is stale itself. */
  | { kind: "stale"; name: string; through?: string; definer: string }
  /** It saw the value of `seen` (undefined: of none), but `definer` is the last cell above that defines the name. */
  | { kind: "order"; name: string; through?: string; definer: string; seen?: string }
  /** No cell above defines the name: the cell that did is below, was deleted, or does it no longer. */
  | { kind: "nowhere"; name: string; through?: string; seen: string };

export type Runs = ReadonlyMap<string, CellRunRecord>;

/** Running cells again does not help a cell that sees a name which no cell above defines. */
export const isCurable = (reason: Reason): boolean => reason.kind !== "nowhere";

/**
 * The cells that do not show what running the notebook from the top would show, and why.
 *
 * Cells that the kernel has not run are not judged.
 */
export function findStale(cells: readonly CodeCell[], runs: Runs): Map<string, Reason[]> {
  const stale = new Map<string, Reason[]>();
  const owners = new Map<string, string>();
  for (const { id, source } of cells) {
    const record = ranAs(id, source, runs);
    if (!record) continue;
    const reasons: Reason[] = source === record.code ? [] : [{ kind: "edited" }];
    for (const [name, origin] of Object.entries(record.reads)) {
      const reason = judge(name, origin, { record, owner: owners.get(name), runs, stale });
      if (reason) reasons.push(reason);
    }
    if (reasons.length > 0) stale.set(id, reasons);
    for (const name of Object.keys(record.writes)) owners.set(name, id);
  }
  return stale;
}

/** A cell that was emptied does not run any more: it counts as deleted. */
const ranAs = (id: string, source: string, runs: Runs): CellRunRecord | undefined =>
  source.trim() === "" ? undefined : runs.get(id);

interface Surroundings {
  record: CellRunRecord;
  /** The last cell above that defines the name. */
  owner: string | undefined;
  runs: Runs;
  stale: ReadonlyMap<string, readonly Reason[]>;
}

function judge(name: string, origin: Origin | null, { record, owner, runs, stale }: Surroundings): Reason | undefined {
  const what = { name, ...(origin?.through === undefined ? {} : { through: origin.through }) };
  if (owner === undefined) {
    // A function may well name what a cell below it defines.
    if (!origin || record.later.includes(name) || what.through !== undefined) return undefined;
    return { kind: "nowhere", ...what, seen: origin.cell };
  }
  if (!origin) return { kind: "order", ...what, definer: owner };
  if (origin.cell !== owner) return { kind: "order", ...what, definer: owner, seen: origin.cell };
  if (origin.run !== runs.get(owner)!.writes[name]) return { kind: "anew", ...what, definer: owner };
  if (stale.get(owner)?.some(isCurable)) return { kind: "stale", ...what, definer: owner };
  return undefined;
}

/**
 * The cells to run, in order, so that nothing is stale: the stale ones that a run can cure, and those above them whose
 * values have been replaced since.
 */
export function planRun(cells: readonly CodeCell[], runs: Runs): string[] {
  const plan = new Set<string>();
  for (const [id, reasons] of findStale(cells, runs)) if (reasons.some(isCurable)) plan.add(id);
  while (extend(plan, cells, runs));
  return cells.map(({ id }) => id).filter((id) => plan.has(id));
}

/** Goes through a run of the plan; adds the first cell that it lacks. Returns whether there was one. */
function extend(plan: Set<string>, cells: readonly CodeCell[], runs: Runs): boolean {
  const live = lastWriters(runs);
  const owners = new Map<string, string>();
  const renewed = new Set<string>();
  for (const { id, source } of cells) {
    const record = ranAs(id, source, runs);
    if (!record) continue;
    for (const name of Object.keys(record.reads)) {
      const owner = owners.get(name);
      if (owner === undefined) continue;
      // It would be stale once the plan has run.
      if (!plan.has(id) && renewed.has(name)) return Boolean(plan.add(id));
      // It needs a value that another cell has replaced.
      if (plan.has(id) && live.get(name) !== owner) return Boolean(plan.add(owner));
    }
    for (const name of Object.keys(record.writes)) {
      owners.set(name, id);
      if (plan.has(id)) {
        live.set(name, id);
        renewed.add(name);
      } else {
        renewed.delete(name);
      }
    }
  }
  // What the plan replaced has to be, at the end, what running from the top leaves.
  for (const id of plan)
    for (const name of Object.keys(runs.get(id)!.writes)) {
      const owner = owners.get(name)!;
      if (live.get(name) !== owner) return Boolean(plan.add(owner));
    }
  return false;
}

/** Whose value each name has in the kernel now. */
function lastWriters(runs: Runs): Map<string, string> {
  const latest = new Map<string, { id: string; run: number }>();
  const note = (name: string, id: string, run: number) => {
    if (run >= (latest.get(name)?.run ?? 0)) latest.set(name, { id, run });
  };
  for (const [id, { writes, reads }] of runs) {
    for (const [name, run] of Object.entries(writes)) note(name, id, run);
    // Of code outside the notebook is known what cells saw of it.
    for (const [name, origin] of Object.entries(reads)) if (origin) note(name, origin.cell, origin.run);
  }
  return new Map([...latest].map(([name, { id }]) => [name, id]));
}
