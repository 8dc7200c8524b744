import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { cacheFolder } from "../cache.ts";
import { jailPython, pinsFor } from "./pins.ts";

/** Python packages that an engine can import beyond the standard library. */
export interface PackageFolder {
  /** Folder for `sys.path`. */
  path: string;
  /** Name and version of each, for example `"sympy 1.14.0"`. */
  packages: string[];
  /** Installed by `cirlab packages install` in the user's cache folder, or part of the system's Python. */
  from: "cache" | "system";
}

export type PackageEngine = "jail" | "pyodide";

/** Written last into a folder of packages. */
export const manifestName = "cirlab-packages.json";
const manifestSchema = z.object({ packages: z.array(z.string()) });

/** Where the packages of an engine are installed to; undefined where the engine cannot exist here. */
export function installFolder(engine: PackageEngine): string | undefined {
  const pins = pinsFor(engine);
  return pins && join(cacheFolder(), "packages", `${engine}-${pins.key}`);
}

const systemFolders = new Map<PackageEngine, PackageFolder | undefined>();

/**
 * The packages that an engine offers: those that `cirlab packages install` put into the user's cache folder, else those
 * of the system's Python; undefined where there are none. numpy and matplotlib exist for the jail only.
 */
export function packageFolder(engine: PackageEngine): PackageFolder | undefined {
  const path = installFolder(engine);
  const packages = path && readManifest(path);
  if (packages) return { path, packages, from: "cache" };
  if (!systemFolders.has(engine)) systemFolders.set(engine, systemPackages(engine));
  return systemFolders.get(engine);
}

/** What stands in a whole folder of packages; undefined where there is none. */
export function readManifest(path: string): string[] | undefined {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(join(path, manifestName), "utf8"))).packages;
  } catch {
    return undefined;
  }
}

/** Python that prints the folder of sympy and what of the wanted packages lies in the same folder. */
const lookAround = String.raw`
import importlib.metadata, importlib.util, json, os, re, sys
def version(name, folder):
    said = importlib.metadata.version(name)
    if said != "0.0.0":  # what some distributions' packages say instead of their version
        return said
    with open(os.path.join(folder, name, "__init__.py")) as source:
        return re.search(r"__version__ *= *['\"](.+?)['\"]", source.read())[1]
found = {}
for name in sys.argv[1:]:
    spec = importlib.util.find_spec(name)
    if spec and spec.origin:
        found[name] = os.path.dirname(os.path.dirname(spec.origin))
path = found.get("sympy")
print(json.dumps({
    "path": path,
    "packages": [name + " " + version(name, path) for name in found if found[name] == path],
}))
`;

/** Only what lies under /usr, which the jail sees; Pyodide can use the pure ones of it. */
function systemPackages(engine: PackageEngine): PackageFolder | undefined {
  const names = ["sympy", "mpmath", ...(engine === "jail" ? ["numpy", "matplotlib"] : [])];
  const asked = spawnSync(jailPython, ["-I", "-c", lookAround, ...names], { encoding: "utf8", timeout: 10_000 });
  if (asked.status !== 0) return undefined;
  const { path, packages } = JSON.parse(asked.stdout) as { path: string | null; packages: string[] };
  return path?.startsWith("/usr/") && packages.length >= 2 ? { path, packages, from: "system" } : undefined;
}

/** What to do where an engine has no packages, in one sentence. */
export const howToInstall = 'Run "cirlab packages install" (it needs pip and a package index).';
