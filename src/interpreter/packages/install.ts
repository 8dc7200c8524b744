import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { InfrastructureError } from "../../base/errors.ts";
import { installFolder, manifestName, type PackageEngine, readManifest } from "./folder.ts";
import { jailPython, jailPythonMinor, pinsFor } from "./pins.ts";

const run = promisify(execFile);
const pipLimitMs = 300_000;
const compileLimitMs = 300_000;

/** A Python that has pip, and which Python that is. */
interface Pip {
  python: string;
  minor: number;
}

async function findPip(): Promise<Pip> {
  const question = "import pip, sys; print(sys.version_info[1])";
  for (const python of [jailPython, "python3", "python"])
    try {
      const { stdout } = await run(python, ["-c", question], { timeout: 20_000 });
      return { python, minor: Number(stdout) };
    } catch {}
  throw new InfrastructureError(
    `No Python with pip: tried ${jailPython}, python3 and python.`,
    "Install pip (Debian and Ubuntu: apt install python3-pip).",
  );
}

/** What makes pip choose files for a Python that is not its own. */
function target(engine: PackageEngine, pip: Pip): string[] {
  if (engine === "pyodide") return ["--platform", "any", "--no-deps"];
  const minor = jailPythonMinor();
  if (pip.python === jailPython || minor === undefined) return [];
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const platforms = ["manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28"].flatMap((tag) => [
    "--platform",
    `${tag}_${machine}`,
  ]);
  return ["--python-version", `3.${minor}`, "--implementation", "cp", "--abi", `cp3${minor}`, ...platforms];
}

/**
 * Installs the pinned packages of an engine into the user's cache folder with pip, from the index that pip is configured
 * for. The folder appears whole or not at all; where it stands already, nothing is done.
 *
 * @returns name and version of each package.
 * @throws InfrastructureError where there is no pip, it finds no such packages, or the engine cannot exist here.
 */
export async function installPackages(engine: PackageEngine): Promise<string[]> {
  const pins = pinsFor(engine);
  const path = installFolder(engine);
  if (!pins || !path)
    throw new InfrastructureError(`No packages for the jail: ${jailPython} is missing or does not run.`);
  const present = readManifest(path);
  if (present) return present;
  const pip = await findPip();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await pipInstall(pip, temporary, [...target(engine, pip), ...pins.requirements]);
    await removeTests(temporary);
    if (engine === "jail") await compile(temporary);
    const packages = await installed(temporary);
    await writeFile(join(temporary, manifestName), JSON.stringify({ packages }));
    await rename(temporary, path).catch((error: unknown) => {
      // Another process may have been quicker: its folder is as good as this one.
      if (!readManifest(path)) throw error;
    });
    return packages;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function pipInstall(pip: Pip, folder: string, rest: string[]): Promise<void> {
  const options = ["--quiet", "--no-compile", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"];
  const patience = ["--retries", "1", "--timeout", "15"];
  try {
    await run(pip.python, ["-m", "pip", "install", "--target", folder, ...options, ...patience, ...rest], {
      timeout: pipLimitMs,
    });
  } catch (error) {
    const { stderr, killed } = error as { stderr?: string; killed?: boolean };
    const said = stderr
      ?.trim()
      .split("\n")
      .findLast((line) => line.startsWith("ERROR"));
    throw new InfrastructureError(
      `pip could not install ${rest.filter((word) => word.includes("==")).join(", ")}: ${killed ? `it took longer than ${pipLimitMs / 1000} s` : (said ?? String(error))}`,
      "Check the network and pip's configuration, then run the command again.",
      error,
    );
  }
}

/** The packages' own tests are a third of sympy, and nobody imports them. */
async function removeTests(folder: string): Promise<void> {
  for (const name of ["sympy", "mpmath"])
    for (const entry of await readdir(join(folder, name), { recursive: true, withFileTypes: true }))
      if (entry.isDirectory() && entry.name === "tests")
        await rm(join(entry.parentPath ?? entry.path, entry.name), { recursive: true });
}

/** Byte code, because the jail cannot write it; not checked against the source, which nobody changes. */
async function compile(folder: string): Promise<void> {
  const options = ["-q", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"];
  await run(jailPython, ["-I", "-m", "compileall", ...options, folder], { timeout: compileLimitMs }).catch(
    // A file that does not compile is one that no import of this Python reaches.
    (error: { code?: unknown }) => {
      if (error.code !== 1) throw error;
    },
  );
}

/** The packages that were asked for by name, as their metadata folders say. */
async function installed(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return ["sympy", "mpmath", "numpy", "matplotlib"].flatMap((name) => {
    const found = names.map((entry) => /^(.+)-([^-]+)\.dist-info$/.exec(entry)).find((match) => match?.[1] === name);
    return found ? [`${name} ${found[2]}`] : [];
  });
}
