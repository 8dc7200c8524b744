import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cacheFolder, module, node } from "./own-cache.ts";

test("installed packages are preferred to the system's, and snippets use them", async (t) => {
  const cache = await cacheFolder(t);
  const code = `
    const { installPackages, packageFolder } = await import(${JSON.stringify(module("packages/index"))});
    const both = await Promise.allSettled([installPackages("pyodide"), installPackages("pyodide")]);
    if (both[0].status === "rejected") { console.log(both[0].reason.message); process.exit(3); }
    const { PythonInterpreter } = await import(${JSON.stringify(module("index"))});
    const python = await PythonInterpreter.start({ engine: "pyodide", lanes: 1, isolation: "pooled" });
    const result = await python.run("import sympy, mpmath\\nprint(sympy.__version__, mpmath.__version__)", { timeoutMs: 60000 });
    await python.close();
    console.log(JSON.stringify([both[1].value, packageFolder("pyodide").from, python.packages, result.stdout]));`;
  const { code: exitCode, stdout, stderr } = await node(["--input-type=module", "-e", code], cache);
  if (exitCode === 3) return t.skip(stdout.trim());
  assert.equal(exitCode, 0, stderr);
  const expected = ["sympy 1.14.0", "mpmath 1.3.0"];
  assert.deepEqual(JSON.parse(stdout), [expected, "cache", expected, "1.14.0 1.3.0\n"]);
  const folders = await readdir(join(cache, "cirlab", "packages"));
  assert.equal(folders.length, 1, folders.join());
});
