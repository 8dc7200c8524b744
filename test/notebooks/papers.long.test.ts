import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { joined, outputOf, run } from "./runner.ts";
import { checkVerdicts, replication } from "./verdicts.ts";

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
