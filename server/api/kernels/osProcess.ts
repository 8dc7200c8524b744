import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** How often a process that is not our child is looked at. */
const pollMs = 500;

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A kernel's process: our child, or one that an earlier server started. */
export interface OsProcess {
  readonly pid: number;
  /** Settles when it has ended; how is only known of a child. */
  readonly exited: Promise<ProcessEnd>;
  isAlive(): boolean;
}

export function childProcess(child: ChildProcess): OsProcess {
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const exited = new Promise<ProcessEnd>((resolve) => {
    // A spare may have ended just before.
    if (isAlive()) child.once("exit", (code, signal) => resolve({ code, signal }));
    else resolve({ code: child.exitCode, signal: child.signalCode });
  });
  return { pid: child.pid!, exited, isAlive };
}

/** @param identity what `identityOf` said of the process when it was known to be the right one. */
export function foreignProcess(pid: number, identity: string): OsProcess {
  const isAlive = (): boolean => identityOf(pid) === identity;
  const exited = new Promise<ProcessEnd>((resolve) => {
    const timer = setInterval(() => {
      if (isAlive()) return;
      clearInterval(timer);
      resolve({ code: null, signal: null });
    }, pollMs);
    timer.unref();
  });
  return { pid, exited, isAlive };
}

/**
 * Tells a process from a later one of the same number. Undefined when there is none, or only its remains that nobody has
 * collected. On Linux the time of its start; elsewhere the number has to do.
 */
export function identityOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  if (process.platform !== "linux") return String(pid);
  try {
    // The name of the program, in parentheses, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : `${pid}@${fields[19]}`;
  } catch {
    return undefined;
  }
}
