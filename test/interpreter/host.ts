import { readdirSync, readFileSync } from "node:fs";

/** What /proc says of a process; for tests that run on Linux. */
interface ProcessState {
  pid: number;
  parent: number;
  /** Z: gone, its parent has not looked yet. */
  state: string;
}

function allProcesses(): ProcessState[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(parent), state: state! }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

/** Process ids of all that descend from these, the zombies left out. */
export function descendants(of: readonly number[]): number[] {
  const all = allProcesses().filter(({ state }) => state !== "Z");
  const found = new Set<number>();
  for (let generation = [...of]; generation.length; ) {
    generation = all.filter(({ pid, parent }) => generation.includes(parent) && !found.has(pid)).map(({ pid }) => pid);
    for (const pid of generation) found.add(pid);
  }
  return [...found];
}

/** Number of a process's open descriptors. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory of a process that belongs to it alone. MiB. */
export function privateMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
  return kib / 1024;
}
