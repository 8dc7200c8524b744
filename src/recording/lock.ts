import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { RecordingError } from "./errors.ts";

const fileName = "run.lock";

const ownerSchema = z.object({
  /** Another one for every lock. */
  id: z.string(),
  pid: z.int().positive(),
  /** When the process started, as the system counts it; null where it does not tell. Numbers of processes come again. */
  processStart: z.string().nullable(),
  host: z.string(),
  /** ISO 8601, UTC. */
  since: z.string(),
});

/** Who trains in a run's folder. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** Start of a process in clock ticks since boot, and which boot. Linux tells; elsewhere null. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // The name of the program, in parentheses, may hold spaces.
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return null;
  }
}

function isAlive(owner: LockOwner): boolean {
  // Nothing can be known of a process of another machine.
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return owner.processStart === null || owner.processStart === processStart(owner.pid);
}

async function readOwner(path: string): Promise<LockOwner | "damaged" | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return "damaged";
  }
}

/** Who trains in a run's folder now; undefined when nobody does, or whoever did is dead. */
export async function lockOwner(folder: string): Promise<LockOwner | undefined> {
  const owner = await readOwner(join(folder, fileName));
  return owner === undefined || owner === "damaged" || !isAlive(owner) ? undefined : owner;
}

/**
 * Makes this process the only writer of a run's folder. The lock of a process that is dead is taken over.
 *
 * @returns gives the lock back.
 * @throws RecordingError naming who holds it.
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, fileName);
  const mine = join(folder, `.${randomUUID()}.lock`);
  const self: LockOwner = {
    id: randomUUID(),
    pid: process.pid,
    processStart: processStart(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
  };
  await writeFile(mine, `${JSON.stringify(self)}\n`, { flag: "wx" });
  try {
    for (;;) {
      try {
        // A link appears whole, and only where there is none.
        await link(mine, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const owner = await readOwner(path);
      if (owner && owner !== "damaged" && isAlive(owner)) throw locked(folder, owner);
      if (owner && (await takeOver(folder, path, mine, owner))) return () => rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/**
 * Puts this process's lock in a dead owner's place. Of many that try only one may: who first links a claim that is named
 * after the dead lock. A claimant that died is followed in the same way.
 *
 * @returns false when the lock is another one by now.
 */
async function takeOver(folder: string, path: string, mine: string, dead: LockOwner | "damaged"): Promise<boolean> {
  const claims: string[] = [];
  for (let last = dead; ; ) {
    const claim = `${path}.${idOf(last)}`;
    try {
      await link(mine, claim);
      claims.push(claim);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const claimant = await readOwner(claim);
    if (!claimant) return false;
    if (claimant !== "damaged" && isAlive(claimant)) throw locked(folder, claimant);
    claims.push(claim);
    last = claimant;
  }
  const now = await readOwner(path);
  // A claim of before was cleared away after its lock was set: then the lock is no longer the dead one.
  const isStill = now !== undefined && idOf(now) === idOf(dead);
  if (isStill) await rename(mine, path);
  for (const claim of isStill ? claims : claims.slice(-1)) await rm(claim, { force: true });
  return isStill;
}

const idOf = (owner: LockOwner | "damaged"): string => (owner === "damaged" ? owner : owner.id);

function locked(folder: string, { pid, host, since }: LockOwner): RecordingError {
  const who = pid === process.pid && host === hostname() ? "another trainer of this process" : `process ${pid}`;
  const where = host === hostname() ? "" : ` on ${host}`;
  return new RecordingError(
    `Run ${basename(folder)} is being trained by ${who}${where}, since ${since}.`,
    host === hostname()
      ? "Stop that one first, or fork the run to train beside it."
      : `If nothing runs on ${host} any more, remove ${join(folder, fileName)}.`,
  );
}
