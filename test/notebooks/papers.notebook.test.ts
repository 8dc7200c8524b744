import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type Cell, joined } from "./runner.ts";
import { checkVerdicts, replication } from "./verdicts.ts";

test("the replication as it is kept shows three seeds and its own rule's verdicts", async () => {
  const { cells } = JSON.parse(await readFile(replication, "utf8")) as { cells: Cell[] };
  for (const { cell_type, source, outputs = [] } of cells)
    assert.ok(!outputs.some(({ output_type }) => output_type === "error"), `${cell_type}: ${joined(source)}`);
  checkVerdicts(cells, 3);
});
