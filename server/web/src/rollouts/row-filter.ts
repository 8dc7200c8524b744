import type { RolloutRow } from "../../../../src/display/rollout-rows.ts";

/** Columns that rows are sorted by. */
export type SortKey = "index" | "reward" | "advantage" | "length" | "toolCalls" | "outcome";

/** What a list shows of its rows, and in which order. */
export interface RowFilter {
  /** Only rollouts at these places: those that a search found. */
  found?: ReadonlySet<number>;
  outcome?: string;
  family?: string;
  /** A filter that marked them; `""`: any. */
  mark?: string;
  /** From, to; either may be absent. */
  reward?: readonly [number | undefined, number | undefined];
  length?: readonly [number | undefined, number | undefined];
  toolCalls?: readonly [number | undefined, number | undefined];
  sort: SortKey;
  isDescending: boolean;
}

type Range = readonly [number | undefined, number | undefined] | undefined;

const isWithin = (value: number | null, [from, to]: readonly [number | undefined, number | undefined]): boolean =>
  value !== null && (from === undefined || value >= from) && (to === undefined || value <= to);

const fits = (value: number | null, range: Range): boolean =>
  !range || (range[0] === undefined && range[1] === undefined) || isWithin(value, range);

/** The rows that a filter leaves, sorted; those without a value come last. */
export function filteredRows(rows: readonly RolloutRow[], filter: RowFilter): RolloutRow[] {
  const { found, outcome, family, mark, reward, length, toolCalls, sort, isDescending } = filter;
  const kept = rows.filter(
    (row) =>
      (!found || found.has(row.index)) &&
      (outcome === undefined || row.outcome === outcome) &&
      (family === undefined || row.family === family) &&
      (mark === undefined || (mark === "" ? row.marks.length > 0 : row.marks.includes(mark))) &&
      fits(row.reward, reward) &&
      fits(row.length, length) &&
      fits(row.toolCalls, toolCalls),
  );
  const sign = isDescending ? -1 : 1;
  return kept.sort((a, b) => {
    const [left, right] = [a[sort], b[sort]];
    if (left === right) return a.index - b.index;
    if (left === null || left === undefined) return 1;
    if (right === null || right === undefined) return -1;
    return (left < right ? -1 : 1) * sign;
  });
}

/** The values of a column, with how often each comes, the most frequent first. */
export function countsOf(values: Iterable<string>): [value: string, count: number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}
