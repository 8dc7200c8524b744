import { randomUUID } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
// The global one does nothing any more once the cell that set it was interrupted.
import { setTimeout } from "node:timers";

/** Where version 2 of the control groups is mounted; the second one beside version 1. */
const mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

const words = (path: string): string[] => readFileSync(path, "utf8").trim().split(/\s+/);

/**
 * A control group (version 2) that was delegated to this user and in which groups with limits of memory and processes
 * can be made: this process's own one or the one above it. Undefined where there is none, as is usual without systemd.
 *
 * @param roots where control groups are mounted.
 * @param own text of `/proc/self/cgroup`.
 */
export function findCgroup(roots: readonly string[] = mounts, own = ownGroups()): string | undefined {
  const path = /^0::(.*)$/m.exec(own)?.[1];
  if (path === undefined) return undefined;
  for (const root of roots)
    for (const group of [join(root, path), dirname(join(root, path))])
      try {
        if (!group.startsWith(root)) continue;
        const given = words(join(group, "cgroup.subtree_control"));
        if (!given.includes("memory") || !given.includes("pids")) continue;
        accessSync(group, constants.W_OK | constants.X_OK);
        accessSync(join(group, "cgroup.procs"), constants.W_OK);
        return group;
      } catch {}
  return undefined;
}

function ownGroups(): string {
  try {
    return readFileSync("/proc/self/cgroup", "utf8");
  } catch {
    return "";
  }
}

/**
 * Puts a process into a new group below `group`, so that it and all its children share the limits.
 *
 * @param limits memory in MiB, and processes and threads together.
 * @returns what removes the group once the process is gone.
 */
export function confine(group: string, pid: number, limits: { memoryMb: number; pids: number }): () => void {
  const own = join(group, `cirlab-${randomUUID()}`);
  mkdirSync(own);
  writeFileSync(join(own, "memory.max"), String(limits.memoryMb * 2 ** 20));
  writeFileSync(join(own, "pids.max"), String(limits.pids));
  writeFileSync(join(own, "cgroup.procs"), String(pid));
  return () => removeWhenEmpty(own, 20);
}

/** The kernel takes a moment to empty a group whose processes were killed. */
function removeWhenEmpty(own: string, attempts: number): void {
  try {
    rmdirSync(own);
  } catch {
    if (attempts > 0) setTimeout(() => removeWhenEmpty(own, attempts - 1), 50).unref();
  }
}
