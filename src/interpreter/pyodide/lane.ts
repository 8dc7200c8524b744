import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../base/modules.ts";
import { Lane, type LaneConnection } from "../lane.ts";

/** Node's permission model was an experiment before it got its name. */
const permissionFlag = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";

/** What the process may read: Pyodide, our own built code and the snapshot. */
function readable(snapshot: string): string[] {
  const pyodide = dirname(fileURLToPath(import.meta.resolve("pyodide")));
  const rooms = ["..", "../../base"].map((room) => fileURLToPath(new URL(room, import.meta.url)));
  // A folder only with its star: Node 20 aborts on a path beside the same path with a star.
  const folders = [pyodide, ...rooms].map((folder) => join(folder, "*"));
  const resolved = [pyodide, ...rooms].map((folder) => join(tryRealpath(folder), "*"));
  return [...new Set([...folders, ...resolved, snapshot])];
}

function tryRealpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function connect(snapshot: string, memoryMb: number): LaneConnection {
  const main = fileURLToPath(siblingModule(import.meta.url, "./main"));
  const child = spawn(
    process.execPath,
    [
      permissionFlag,
      // For the watchdog thread; a worker has its process's permissions.
      "--allow-worker",
      ...readable(snapshot).map((path) => `--allow-fs-read=${path}`),
      "--disallow-code-generation-from-strings",
      "--no-warnings",
      main,
      snapshot,
      String(memoryMb),
    ],
    { env: {}, stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], windowsHide: true },
  );
  const channel = child.stdio[3] as Socket;
  const lifeline = child.stdio[4] as Socket;
  lifeline.on("error", () => {});
  return {
    child,
    requests: channel,
    replies: channel,
    handles: [child, channel, lifeline, child.stderr as unknown as Socket],
  };
}

/** Starts a hardened Pyodide process. The driver keeps its time: a snippet that passes it ends with its process. */
export function startPyodideLane(snapshot: string, memoryMb: number): Lane {
  return new Lane({
    profile: "bare",
    capacity: 1,
    connect: () => connect(snapshot, memoryMb),
    deadlineMs: (timeoutMs) => timeoutMs,
    deadlineMeans: "timeout",
  });
}
