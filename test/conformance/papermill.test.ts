import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { commandFile } from "../../kernel/package.ts";
import { readCells, streamOf, textOf, writeNotebook } from "./notebooks.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

test("papermill sets the parameters of a notebook once `cirlab install --papermill` was run", async (t) => {
  const base = findPython("papermill", "venv", "pip");
  if (!base) return t.skip(missing("papermill", "pip"));
  const home = await JupyterHome.create(t);
  // An environment of its own that sees the packages of the Python that was found.
  const environment = join(home.folder, "environment");
  assert.equal((await home.run(base, ["-m", "venv", "--without-pip", environment])).exitCode, 0);
  const python = join(environment, "bin", "python");
  const ask = (program: string, code: string) => spawnSync(program, ["-c", code], { encoding: "utf8" }).stdout.trim();
  const paths = ask(base, "import os, papermill; print(os.path.dirname(os.path.dirname(papermill.__file__)))");
  const own = ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))");
  await writeFile(join(own, "peers.pth"), `${paths}\n`);
  const installed = await home.run(process.execPath, [commandFile, "install", "--prefix", environment, "--papermill"]);
  assert.equal(installed.exitCode, 0, installed.stderr);

  await writeNotebook(join(home.folder, "in.ipynb"), [
    [
      `let steps = 1;
let rate: number = 0.5; // learning rate
let mode: "fast" | "slow" = "slow";
let names: string[] = [];
let options: Record<string, unknown> = {};
let nothing: null | string = "x";`,
      "parameters",
    ],
    "console.log(JSON.stringify({ steps, rate, mode, names, options, nothing }))",
  ]);
  const yaml =
    'steps: 3\nrate: 1.0e-3\nmode: fast\nnames: ["a\\"b", "ü\\n"]\noptions: { "a-b": [1, true, null] }\nnothing: null\n';
  await writeFile(join(home.folder, "parameters.yaml"), yaml);
  const papermill = (...args: string[]) => home.run(python, ["-m", "papermill", ...args]);
  const done = await papermill("in.ipynb", "out.ipynb", "-f", "parameters.yaml", "--no-progress-bar");
  assert.equal(done.exitCode, 0, done.stderr);
  const cells = await readCells(join(home.folder, "out.ipynb"));
  assert.deepEqual(cells[1]!.metadata.tags, ["injected-parameters"]);
  assert.match(textOf(cells[1]!.source), /^\/\/ Parameters\nsteps = 3;\nrate = 0\.001;\nmode = "fast";\n/);
  assert.deepEqual(JSON.parse(streamOf(cells[2]!, "stdout")), {
    steps: 3,
    rate: 0.001,
    mode: "fast",
    names: ['a"b', "ü\n"],
    options: { "a-b": [1, true, null] },
    nothing: null,
  });

  const help = await papermill("--help-notebook", "in.ipynb");
  assert.match(help.stdout, /rate: number \(default 0\.5\)\s+learning rate/);
});
