import assert from "node:assert/strict";
import { join } from "node:path";
import { joined, outputOf, plain, root, run } from "./runner.ts";

/** Runs the first tutorial with a short cold start and checks what its cells show. */
export async function firstTutorial(engine: "auto" | "pyodide"): Promise<void> {
  const cells = await run(join(root, "notebooks/tutorials/01-first-rollout.ipynb"), { coldStartSteps: 60, engine });
  assert.match(outputOf(cells, "PythonInterpreter.start"), engine === "pyodide" ? /Pyodide/ : /Python 3/);
  const python = outputOf(cells, "print(geo(17))");
  assert.match(python, /1267650600228229401496703205376/);
  assert.match(python, /NameError: name 'geo' is not defined/);
  assert.match(python, /Timeout Error/);
  const ratio = /off by ([\d.e+-]+)/.exec(outputOf(cells, "furthest"));
  assert.ok(Number(ratio![1]) < 1e-4, ratio![0]);
  const objective = cells.find(({ source }) => joined(source).trim() === "objective");
  assert.ok(plain(objective!).length > 0);
}
