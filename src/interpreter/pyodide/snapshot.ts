import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, lstat, mkdir, rm } from "node:fs/promises";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { version } from "pyodide";
import { InfrastructureError } from "../../base/errors.ts";
import { siblingModule } from "../../base/modules.ts";
import { harnessSource } from "./boot.ts";

/** A folder of our own that nobody else can write to: the snapshot is memory that we will run. */
async function privateFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = await lstat(path).then((found) => {
      if (!found.isDirectory()) throw new Error("not a folder");
      return found;
    });
    if (process.getuid && (uid !== process.getuid() || (mode & 0o022) !== 0)) return false;
    await access(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function cacheFolder(): Promise<string> {
  const home = process.env.XDG_CACHE_HOME ?? process.env.LOCALAPPDATA ?? join(homedir(), ".cache");
  const candidates = [join(home, "cirlab"), join(tmpdir(), `cirlab-${userInfo().username}`)];
  for (const folder of candidates) if (await privateFolder(folder)) return folder;
  throw new InfrastructureError(
    `No folder for Pyodide's snapshot: tried ${candidates.join(" and ")}.`,
    "Make one of them a folder of your own with mode 700, or set XDG_CACHE_HOME.",
  );
}

/** The snapshot depends on Pyodide, on the harness inside it and on what the wasm engine can do. */
function snapshotName(): string {
  const key = createHash("sha256").update(`${version}\n${process.versions.v8}\n${harnessSource()}`).digest("hex");
  return `pyodide-${version}-${key.slice(0, 16)}.snapshot`;
}

let making: Promise<string> | undefined;

/**
 * Path of the memory snapshot that a Pyodide process starts from in about 0.3 s instead of 2 s. It is made once and
 * kept in the user's cache folder (`$XDG_CACHE_HOME/cirlab` or `~/.cache/cirlab`, else the folder for temporary files).
 */
export function ensureSnapshot(): Promise<string> {
  making ??= make().catch((error: unknown) => {
    making = undefined;
    throw error;
  });
  return making;
}

/** Throws away the snapshot, which did not start, so that the next call makes it anew. */
export async function discardSnapshot(): Promise<void> {
  const path = await making?.catch(() => undefined);
  making = undefined;
  if (path) await rm(path, { force: true });
}

async function make(): Promise<string> {
  const path = join(await cacheFolder(), snapshotName());
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) return path;
  const script = fileURLToPath(siblingModule(import.meta.url, "./make-snapshot"));
  try {
    await promisify(execFile)(process.execPath, [script, path], { timeout: 120_000 });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new InfrastructureError(
      `Pyodide's snapshot could not be made: ${stderr?.trim().split("\n").at(-1) ?? String(error)}`,
      undefined,
      error,
    );
  }
  return path;
}
