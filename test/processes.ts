import { execFileSync } from "node:child_process";

/** A process as the system lists it. */
export interface ListedProcess {
  pid: number;
  command: string;
}

/** The processes that a process has started, without those that they have started. */
export function childrenOf(parent: number): ListedProcess[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return rows.flatMap((row) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    return Number(ppid) === parent ? [{ pid: Number(pid), command: command! }] : [];
  });
}

/** Whether a process is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
