import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findPython, JupyterHome, missing } from "./python.ts";

test("jupyter console: cells, continuation, completion, Ctrl-C, input, errors, history of an earlier kernel", async (t) => {
  const python = findPython("jupyter_console", "pexpect");
  if (!python) return t.skip(missing("jupyter_console", "pexpect"));
  const home = await JupyterHome.create(t);
  const script = fileURLToPath(new URL("./console.py", import.meta.url));
  for (const args of [["cirlab"], ["cirlab", "again"]]) {
    const { exitCode, stdout, stderr } = await home.run(python, [script, ...args]);
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /"step": "exit"/);
  }
});
