import { installPackages, type PackageEngine, packageFolder } from "../interpreter/packages/index.ts";

const usage = `Usage: cirlab packages [list | install]

Python packages that snippets may import beyond the standard library.
  list      what each engine offers, and where it comes from (default)
  install   installs sympy and mpmath for both engines, numpy and matplotlib for the jail, with pip, into the user's
            cache folder ($XDG_CACHE_HOME/cirlab or ~/.cache/cirlab); pinned versions, the same sympy for both engines

Without them everything else works: a snippet that imports one of them gets a ModuleNotFoundError.`;

const engines: readonly PackageEngine[] = ["jail", "pyodide"];
const withoutNumpy = "numpy and matplotlib are not offered: no package index carries them for this Pyodide";

function list(): void {
  for (const engine of engines) {
    const found = packageFolder(engine);
    const what = found
      ? `${found.packages.join(", ")} (${found.from === "system" ? "the system's, in" : "in"} ${found.path})`
      : 'none. Run "cirlab packages install".';
    console.log(`${engine.padEnd(8)} ${what}`);
    if (engine === "pyodide") console.log(`${"".padEnd(8)} ${withoutNumpy}`);
  }
}

/** Tries every engine before it says what failed. */
async function install(): Promise<number> {
  let failed = 0;
  for (const engine of engines)
    try {
      console.log(`${engine.padEnd(8)} installed: ${(await installPackages(engine)).join(", ")}`);
    } catch (error) {
      failed++;
      console.error(`${engine.padEnd(8)} ${error instanceof Error ? error.message : String(error)}`);
    }
  return failed ? 1 : 0;
}

/** `cirlab packages`: lists or installs the Python packages of the interpreters. Exit code 1 where one failed. */
export async function main(argv: string[]): Promise<number> {
  const [action = "list", ...rest] = argv;
  if (action === "--help" || action === "-h") console.log(usage);
  else if (rest.length || (action !== "list" && action !== "install")) {
    console.error(`cirlab packages takes "list" or "install", was given ${argv.join(" ")}.\n\n${usage}`);
    return 2;
  } else if (action === "list") list();
  else return install();
  return 0;
}
