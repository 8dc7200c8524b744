/** A row of the table: two answers, whether they are equal, and why. */
export interface Pair {
  gold: string;
  answer: string;
  equal: boolean;
  reason: string;
}

type Row = readonly [gold: string, answer: string, reason: string];

export const same = (...rows: Row[]): Pair[] =>
  rows.map(([gold, answer, reason]) => ({ gold, answer, equal: true, reason }));
export const different = (...rows: Row[]): Pair[] =>
  rows.map(([gold, answer, reason]) => ({ gold, answer, equal: false, reason }));
