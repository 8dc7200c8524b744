import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The Python package that papermill loads. */
const folder = fileURLToPath(new URL("../papermill", import.meta.url));

/**
 * Installs the package that lets papermill write parameters in TypeScript, with pip and without a network.
 *
 * @param prefix installation whose Python gets it; by default `python3`'s.
 * @returns the Python.
 * @throws Error with pip's message.
 */
export function installPapermill(prefix: string | undefined): string {
  const inPrefix = prefix === undefined ? [] : [join(prefix, "bin", "python3"), join(prefix, "python.exe")];
  const python = inPrefix.find((path) => existsSync(path)) ?? "python3";
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps"];
  const done = spawnSync(python, [...args, folder], { encoding: "utf8" });
  if (done.status !== 0) {
    const why = done.error?.message ?? done.stderr.trim();
    throw new Error(`${python} -m pip could not install ${folder}, which papermill needs: ${why}`);
  }
  return python;
}
