import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { InfrastructureError } from "../base/errors.ts";

/** A folder of our own that nobody else can write to: what lies in it is code and memory that we will run. */
function isPrivate(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = lstatSync(path);
    if (!found.isDirectory()) return false;
    if (process.getuid && (found.uid !== process.getuid() || (found.mode & 0o022) !== 0)) return false;
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The user's folder for what can be made again: `$XDG_CACHE_HOME/cirlab` or `~/.cache/cirlab` (`%LOCALAPPDATA%\cirlab`
 * on Windows), else one in the folder for temporary files. Made when it is missing.
 *
 * @throws InfrastructureError where none of them can be had for ourselves alone.
 */
export function cacheFolder(): string {
  const home = process.env.XDG_CACHE_HOME ?? process.env.LOCALAPPDATA ?? join(homedir(), ".cache");
  const candidates = [join(home, "cirlab"), join(tmpdir(), `cirlab-${userInfo().username}`)];
  const chosen = candidates.find(isPrivate);
  if (chosen) return chosen;
  throw new InfrastructureError(
    `No folder for the interpreter's files: tried ${candidates.join(" and ")}.`,
    "Make one of them a folder of your own with mode 700, or set XDG_CACHE_HOME.",
  );
}
