import assert from "node:assert/strict";
import { join } from "node:path";
import { type Cell, cellWith, joined, outputOf, root } from "./runner.ts";

export const replication = join(root, "notebooks/papers/01-cir.ipynb");

interface Judged {
  readonly claim: string;
  readonly differences: readonly number[];
  readonly expected: number;
  readonly atLeast: number;
  readonly verdict: string;
}

/** The rows of the verdict's table, from its markdown. */
function verdicts(cells: Cell[]): Judged[] {
  const { outputs = [] } = cellWith(cells, "Every claim that was tested");
  const rows = joined(outputs.find(({ data }) => data?.["text/markdown"])?.data?.["text/markdown"]).split("\n");
  return rows
    .map((row) => row.split("|").map((cell) => cell.trim()))
    .filter(([, claim]) => /^\d\\?\. /.test(claim ?? ""))
    .map(([, claim, , differences, , claimed, verdict]) => {
      const [, sign, size] = /([+-])([\d.]+)$/.exec(claimed!)!;
      return {
        claim: claim!,
        differences: differences!.split(/\s+/).map(Number),
        expected: sign === "+" ? 1 : -1,
        atLeast: Number(size),
        verdict: verdict!,
      };
    });
}

/** The rule that the notebook states, applied to what it printed: three decimals. */
export function checkVerdicts(cells: Cell[], seeds: number): void {
  const judged = verdicts(cells);
  assert.equal(new Set(judged.map(({ claim }) => claim[0])).size, 9, "all nine claims are judged");
  for (const { claim, differences, expected, atLeast, verdict } of judged) {
    assert.ok(differences.length === seeds || differences.length === 1, `${claim}: one difference a seed`);
    const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
    if (Math.abs(Math.abs(mean) - atLeast) < 1e-3 || differences.some((value) => Math.abs(value) < 1e-3)) continue;
    const holds = (sign: number) => differences.every((value) => value * sign > 0) && mean * sign >= atLeast;
    assert.equal(verdict, holds(expected) ? "shown" : holds(-expected) ? "opposite" : "not shown", claim);
  }
  const told = outputOf(cells, "minutes on");
  for (const kind of ["shown", "not shown", "opposite"]) {
    const count = judged.filter(({ verdict }) => verdict === kind).length;
    assert.match(told, new RegExp(`^${kind}: ${count}$`, "m"), `${kind} is told, also where it is unwelcome`);
  }
}
