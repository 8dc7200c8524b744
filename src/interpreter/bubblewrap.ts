import type { ChildProcess } from "node:child_process";

/**
 * Has what a bubblewrap process left behind end with it. A bubblewrap that is killed in its first milliseconds has a
 * child of its own that does not follow it yet (`--die-with-parent` comes later), but is still of its process group.
 *
 * @param child spawned with `detached: true`, so that the group is its own.
 */
export function endGroupWith(child: ChildProcess): void {
  child.once("exit", () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody of the group is left, which is the usual case.
    }
  });
}
