import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const isWindows = process.platform === "win32";

/** The user's Jupyter data folder (`JUPYTER_DATA_DIR`, or the platform's usual place). */
export function userDataFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  const home = env.HOME || homedir();
  if (process.platform === "darwin") return join(home, "Library", "Jupyter");
  if (isWindows) return join(env.APPDATA || join(home, "AppData", "Roaming"), "jupyter");
  return join(env.XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
}

/** Jupyter's data folder inside an installation prefix, for example a virtual environment. */
export function prefixDataFolder(prefix: string): string {
  return join(prefix, "share", "jupyter");
}

/** Data folders of the whole machine. */
export function systemDataFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  if (isWindows) return env.PROGRAMDATA ? [join(env.PROGRAMDATA, "jupyter")] : [];
  return ["/usr/local/share/jupyter", "/usr/share/jupyter"];
}

/** All folders in which Jupyter looks for kernelspecs and the like, first match first. */
export function dataFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter((prefix) => prefix !== undefined && prefix !== "");
  const folders = [
    ...(env.JUPYTER_PATH ? env.JUPYTER_PATH.split(delimiter).filter(Boolean) : []),
    ...environments.map((prefix) => prefixDataFolder(prefix as string)),
    userDataFolder(env),
    ...systemDataFolders(env),
  ];
  return [...new Set(folders)];
}

/** Prefix of the Python that runs Jupyter here: the active environment, else what `python3` says. */
export function pythonPrefix(env: NodeJS.ProcessEnv = process.env): string {
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  if (active) return active;
  for (const python of ["python3", "python"]) {
    const asked = spawnSync(python, ["-c", "import sys; print(sys.prefix)"], { env, encoding: "utf8" });
    if (asked.status === 0) return asked.stdout.trim();
  }
  throw new Error("No Python found for --sys-prefix. Activate an environment, or name its folder with --prefix.");
}
