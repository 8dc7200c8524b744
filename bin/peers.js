// Python programs that the tests drive as clients of the kernel. They live in a folder of their own; nothing that a user
// runs needs them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./setup.js";

const packages = [
  "jupyter_kernel_test==0.7.0",
  "nbconvert==7.17.2",
  "papermill==2.7.0",
  "math-verify==0.9.0",
  "antlr4-python3-runtime==4.13.2",
  "tensorboard==2.21.0",
  "pyarrow==26.0.1",
];
const installLimitMs = 240_000;

/**
 * Makes the virtual environment of the peers, once, and names it in `CIRLAB_PEERS`. Where there is no Python or no
 * network, the tests that need a peer are skipped and listed.
 */
export function ensurePeers() {
  if (process.env.CIRLAB_PEERS) return;
  const folder = join(root, ".cache", "peers");
  const stamp = join(folder, `${packages.join(" ")}.stamp`.replaceAll(/[^\w.]+/g, "-"));
  if (!existsSync(stamp) && !install(folder, stamp)) return;
  process.env.CIRLAB_PEERS = folder;
}

function install(folder, stamp) {
  const run = (program, args, timeout) => spawnSync(program, args, { stdio: "ignore", timeout }).status === 0;
  if (!run("python3", ["-c", "import venv, ensurepip"], 10_000)) return false;
  console.log("cirlab: installing Jupyter's Python clients for the tests (once)");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const python = join(folder, "bin", "python");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"];
  if (run("python3", ["-m", "venv", folder], 60_000) && run(python, [...pip, ...packages], installLimitMs)) {
    writeFileSync(stamp, "");
    return true;
  }
  rmSync(folder, { recursive: true, force: true });
  console.log("cirlab: they could not be installed (no network?): the tests that need them are skipped and listed");
  return false;
}

/**
 * Installs the Python packages that snippets may import, once, where an engine has none: the tests that need them are
 * skipped and listed where that does not work. Needs the build.
 */
export async function ensurePackages() {
  const module = join(root, "dist", "src", "interpreter", "packages", "index.js");
  const { installPackages, packageFolder } = await import(pathToFileURL(module).href);
  for (const engine of ["jail", "pyodide"]) {
    if (packageFolder(engine)) continue;
    console.log(`cirlab: installing Python packages for snippets (${engine}, once)`);
    await installPackages(engine).catch((error) => console.log(`cirlab: ${error.message}`));
  }
}
