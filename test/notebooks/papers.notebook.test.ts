import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Cell, cellWith, joined, outputOf, root, run } from "./runner.ts";

const replication = join(root, "notebooks/papers/01-cir.ipynb");

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
function checkVerdicts(cells: Cell[], seeds: number): void {
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

test("the replication of CIR, small, runs and judges every claim by its rule", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-replication-"));
  const small = { coldStartSteps: 40, steps: 3, promptsPerStep: 4, heldOutTasks: 14, samples: 2, manySamples: 4 };
  const cells = await run(replication, { ...small, seeds: [1], folder, engine: "pyodide" });
  checkVerdicts(cells, 1);
  assert.match(outputOf(cells, '.diff("cir")'), /promptsPerStep +128 +4[\s\S]*Not known of the paper/);
  assert.match(outputOf(cells, "PythonInterpreter.start"), /engine pyodide/);
  const charts = cells.filter(({ source }) => /\bcomparison\.chart\(|\b(line|bar)Chart\(/.test(joined(source)));
  assert.ok(charts.length >= 9);
  for (const { outputs = [], source } of charts)
    assert.ok(
      outputs.some(({ data }) => data?.["image/svg+xml"]),
      joined(source),
    );
});

test("the replication as it is kept shows three seeds and its own rule's verdicts", async () => {
  const { cells } = JSON.parse(await readFile(replication, "utf8")) as { cells: Cell[] };
  for (const { cell_type, source, outputs = [] } of cells)
    assert.ok(!outputs.some(({ output_type }) => output_type === "error"), `${cell_type}: ${joined(source)}`);
  checkVerdicts(cells, 3);
});
