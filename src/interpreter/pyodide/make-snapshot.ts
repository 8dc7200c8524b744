/**
 * Child process: starts Python once, loads the harness and, where the second argument names a folder of packages, sympy
 * from there, and writes the memory to the file named by the first argument. Runs nothing but our own code and theirs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PyodideAPI } from "pyodide";
import { writeFileAtomic } from "../../base/files.ts";
import { archivePath, bootPyodide, harnessModule, harnessSource, warmSource } from "./boot.ts";
import { packSnapshot } from "./snapshot-file.ts";

const staging = "/staging";

/** Copies what Python reads of a folder into the in-memory file system. */
function copyFolder(files: PyodideAPI["FS"], from: string, to: string): void {
  files.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== "tests" && entry.name !== "__pycache__") copyFolder(files, source, target);
    } else if (!/\.(pyc|so|pyi)$/.test(entry.name)) files.writeFile(target, readFileSync(source));
  }
}

/** Packs the packages into one zip file, which takes a third of their files' memory, and loads sympy from it. */
function loadPackages(python: PyodideAPI, folder: string): Uint8Array {
  for (const name of ["sympy", "mpmath"]) copyFolder(python.FS, join(folder, name), `${staging}/${name}`);
  python.runPython(`
def pack():
    import os, shutil, sys, zipfile
    with zipfile.ZipFile("${archivePath}", "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, _, names in os.walk("${staging}"):
            for name in names:
                path = os.path.join(folder, name)
                archive.write(path, os.path.relpath(path, "${staging}"))
    shutil.rmtree("${staging}")
    sys.path.append("${archivePath}")
pack()
del pack
`);
  python.runPython(warmSource(), { globals: python.toPy({}) });
  return python.FS.readFile(archivePath) as Uint8Array;
}

const [target, packages] = process.argv.slice(2);
const { python } = await bootPyodide({ extraBytes: 512 * 2 ** 20 });
const archive = packages ? loadPackages(python, packages) : new Uint8Array(0);
python.globals.set("source", harnessSource());
python.runPython(`
import sys, types
module = types.ModuleType("${harnessModule}")
sys.modules[module.__name__] = module
exec(compile(source, "<harness>", "exec"), module.__dict__)
module.remember()
del source, module, sys, types
`);
// Newer than the type declarations say.
const { makeMemorySnapshot } = python as unknown as { makeMemorySnapshot(): Uint8Array };
await writeFileAtomic(target!, packSnapshot(makeMemorySnapshot.call(python), archive));
process.exit(0);
