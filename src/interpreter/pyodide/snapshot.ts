import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, utimesSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { version } from "pyodide";
import { InfrastructureError } from "../../base/errors.ts";
import { siblingModule } from "../../base/modules.ts";
import { cacheFolder } from "../cache.ts";
import type { PackageFolder } from "../packages/index.ts";
import { harnessSource, warmSource } from "./boot.ts";

const makeLimitMs = 300_000;
/** A snapshot that nobody has started from for so long is removed. */
const unusedMs = 30 * 86_400_000;
/** The same for one of this Pyodide and profile with another key: an earlier harness, or another Node.js. */
const replacedMs = 3_600_000;

/**
 * A memory snapshot that a Pyodide process starts from in about 0.3 s instead of 2 s, without packages or with sympy
 * imported. It stays open, so that it can be removed from the cache at any time.
 */
export interface Snapshot {
  path: string;
  descriptor: number;
}

/** Our own code that decides what a snapshot is like. */
const makers = ["./make-snapshot", "./boot", "./snapshot-file"].map((name) => siblingModule(import.meta.url, name));

/** The snapshot depends on Pyodide, on what is loaded into it, and how, and on what the wasm engine can do. */
function snapshotName(packages: PackageFolder | undefined): string {
  const parts = [
    ...[version, process.versions.v8, harnessSource(), ...makers.map((url) => readFileSync(url, "utf8"))],
    ...(packages ? [warmSource(), packages.path, ...packages.packages] : []),
  ];
  const key = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return `pyodide-${version}-${packages ? "scientific" : "bare"}-${key.slice(0, 16)}.snapshot`;
}

const opened = new Map<string, Promise<Snapshot>>();

/**
 * The snapshot of a profile, opened. It is made once (about 3 s, with sympy 10 s) and kept in the user's cache folder.
 *
 * @param packages for the profile `"scientific"`: where sympy lies.
 * @throws InfrastructureError where it cannot be made.
 */
export function ensureSnapshot(packages?: PackageFolder): Promise<Snapshot> {
  const name = snapshotName(packages);
  let found = opened.get(name);
  if (!found) {
    found = openOrMake(name, packages);
    opened.set(name, found);
    found.catch(() => opened.delete(name));
  }
  return found;
}

/** Throws away a snapshot that did not start, so that the next call makes it anew. */
export async function discardSnapshot(packages?: PackageFolder): Promise<void> {
  const name = snapshotName(packages);
  const found = await opened.get(name)?.catch(() => undefined);
  opened.delete(name);
  if (!found) return;
  closeSync(found.descriptor);
  await rm(found.path, { force: true });
}

async function openOrMake(name: string, packages: PackageFolder | undefined): Promise<Snapshot> {
  const folder = cacheFolder();
  const path = join(folder, name);
  const present = open(path);
  if (present) return present;
  await make(path, packages);
  await removeOld(folder, name);
  const made = open(path);
  if (!made) throw new InfrastructureError(`Pyodide's snapshot ${path} cannot be read right after it was written.`);
  return made;
}

function open(path: string): Snapshot | undefined {
  try {
    const descriptor = openSync(path, "r");
    // The time of the last use, which reading alone does not leave on every file system.
    utimesSync(path, new Date(), new Date());
    return { path, descriptor };
  } catch {
    return undefined;
  }
}

async function make(path: string, packages: PackageFolder | undefined): Promise<void> {
  const script = fileURLToPath(siblingModule(import.meta.url, "./make-snapshot"));
  const args = [script, path, ...(packages ? [packages.path] : [])];
  try {
    await promisify(execFile)(process.execPath, args, { timeout: makeLimitMs });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new InfrastructureError(
      `Pyodide's snapshot could not be made: ${stderr?.trim().split("\n").at(-1) ?? String(error)}`,
      undefined,
      error,
    );
  }
}

/** Removes what nobody uses any more. Whoever has one of them open keeps it. */
async function removeOld(folder: string, current: string): Promise<void> {
  const kin = current.slice(0, current.lastIndexOf("-"));
  for (const name of await readdir(folder)) {
    if (!/^pyodide-.+\.snapshot$/.test(name) || name === current) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    const unused = found ? Date.now() - found.mtimeMs : 0;
    // Names without a profile are those of an earlier format, which nothing reads.
    const replaced = name.startsWith(kin) || !/-(bare|scientific)-/.test(name);
    if (unused > (replaced ? replacedMs : unusedMs)) await rm(path, { force: true });
  }
}
