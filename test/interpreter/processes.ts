import { readdirSync, readFileSync } from "node:fs";

/** The children of every process, by `/proc`; undefined where the system does not tell. */
function childrenByParent(): Map<number, number[]> | undefined {
  const children = new Map<number, number[]>();
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  for (const entry of entries) {
    try {
      const [, state, parent] = /^\d+ \(.*\) (\S) (\d+) /s.exec(readFileSync(`/proc/${entry}/stat`, "latin1"))!;
      if (state !== "Z") children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(entry)]);
    } catch {
      // It ended while we looked.
    }
  }
  return children;
}

/** This process's children, each with the number of processes that its tree holds, itself included. */
export function processTrees(): Map<number, number> {
  const children = childrenByParent();
  const size = (pid: number): number => (children?.get(pid) ?? []).reduce((sum, child) => sum + size(child), 1);
  return new Map((children?.get(process.pid) ?? []).map((pid) => [pid, size(pid)]));
}
