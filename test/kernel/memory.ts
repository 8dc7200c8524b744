import { readFileSync } from "node:fs";

/** Resident memory of a process in megabytes, where the system tells it. */
export function residentMegabytes(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return match ? Number(match[1]) / 1024 : undefined;
}
