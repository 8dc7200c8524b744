import assert from "node:assert/strict";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { cacheFolder, module, node } from "./own-cache.ts";

const cirlab = fileURLToPath(new URL("../../../bin/cirlab.js", import.meta.url));

test("the command lists what each engine offers and refuses what it does not know", async (t) => {
  const cache = await cacheFolder(t);
  const listed = await node([cirlab, "packages"], cache);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(
    listed.stdout,
    /^jail {5}(none\.|.*sympy \d).*\npyodide {2}(none\.|.*sympy \d).*\n {9}numpy .*not offered.*\n$/,
  );
  const refused = await node([cirlab, "packages", "remove"], cache);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /takes "list" or "install", was given remove/);
});

test("where the index cannot be reached, one line says so and nothing is left behind", async (t) => {
  const cache = await cacheFolder(t);
  const nowhere = { PIP_INDEX_URL: "http://127.0.0.1:9/simple", PIP_EXTRA_INDEX_URL: "", PIP_FIND_LINKS: "" };
  const { code, stdout, stderr } = await node([cirlab, "packages", "install"], cache, nowhere);
  assert.equal(code, 1, stdout);
  for (const line of stderr.trim().split("\n")) assert.match(line, /^(jail|pyodide) .*(could not install|No P|No p)/);
  const packages = join(cache, "cirlab", "packages");
  assert.deepEqual(existsSync(packages) ? await readdir(packages) : [], []);
});

test("old snapshots are removed when a new one is made, those in use are not", async (t) => {
  const cache = await cacheFolder(t);
  const folder = join(cache, "cirlab");
  await mkdir(folder, { mode: 0o700 });
  const aged = (name: string, hours: number): string => {
    writeFileSync(join(folder, name), "");
    const when = Date.now() / 1000 - hours * 3600;
    utimesSync(join(folder, name), when, when);
    return name;
  };
  const code = `
    import { version } from ${JSON.stringify(import.meta.resolve("pyodide"))};
    const { ensureSnapshot } = await import(${JSON.stringify(module("pyodide/snapshot"))});
    const { path } = await ensureSnapshot();
    console.log(JSON.stringify([version, path]));`;
  const kept = [
    aged("pyodide-1.0.0-bare-0000000000000000.snapshot", 24),
    aged("pyodide-1.0.0-scientific-0000000000000000.snapshot", 24 * 29),
    aged("notes.txt", 24 * 365),
  ];
  aged("pyodide-1.0.0-bare-1111111111111111.snapshot", 24 * 31);
  aged("pyodide-1.0.0-2222222222222222.snapshot", 2);
  const first = await node(["--input-type=module", "-e", code], cache);
  assert.equal(first.code, 0, first.stderr);
  const [version, path] = JSON.parse(first.stdout) as [string, string];
  const made = path.slice(folder.length + 1);
  assert.deepEqual((await readdir(folder)).sort(), [...kept, made].sort());
  aged(`pyodide-${version}-bare-3333333333333333.snapshot`, 2);
  const recent = aged(`pyodide-${version}-bare-4444444444444444.snapshot`, 0.5);
  const other = aged(`pyodide-${version}-scientific-5555555555555555.snapshot`, 2);
  await rm(path);
  assert.equal((await node(["--input-type=module", "-e", code], cache)).code, 0);
  assert.deepEqual((await readdir(folder)).sort(), [...kept, made, recent, other].sort());
});
