import { spawn } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../base/modules.ts";
import { Lane, type LaneConnection } from "../lane.ts";

/** Node's permission model was an experiment before it got its name. */
const permissionFlag = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";

/** Between the limit that QuickJS keeps itself and the driver's, which ends the process. Milliseconds. */
const graceMs = 250;

const require = createRequire(import.meta.url);
const packages = ["quickjs-emscripten-core", "@jitl/quickjs-wasmfile-release-sync", "@jitl/quickjs-ffi-types", "acorn"];

/** Folder of an installed package, whatever it lets be imported. */
function folderOf(name: string): string {
  const path = require.resolve(name);
  const inside = join("node_modules", ...name.split("/"));
  return path.slice(0, path.lastIndexOf(inside) + inside.length);
}

/** Version of the QuickJS build. */
export const quickJsVersion = (): string =>
  (JSON.parse(readFileSync(join(folderOf(packages[1]!), "package.json"), "utf8")) as { version: string }).version;

/** What the process may read: the packages that it is made of and our own built code. */
function readable(): string[] {
  const installed = packages.map(folderOf);
  const rooms = ["..", "../../base"].map((room) => fileURLToPath(new URL(room, import.meta.url)));
  // A folder only with its star: Node 20 aborts on a path beside the same path with a star.
  const folders = [...installed, ...rooms].flatMap((folder) => [join(folder, "*"), join(realpathSync(folder), "*")]);
  return [...new Set(folders)];
}

function connect(): LaneConnection {
  const child = spawn(
    process.execPath,
    [
      permissionFlag,
      // For the thread with the deep stack; a worker has its process's permissions.
      "--allow-worker",
      ...readable().map((path) => `--allow-fs-read=${path}`),
      "--disallow-code-generation-from-strings",
      "--no-warnings",
      fileURLToPath(siblingModule(import.meta.url, "./main")),
      quickJsVersion(),
    ],
    { env: { TZ: "UTC" }, stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], windowsHide: true },
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

/**
 * Starts a QuickJS process. QuickJS keeps the time itself and stays usable; what it cannot interrupt ends with its
 * process a little later.
 */
export function startQuickJsLane(): Lane {
  return new Lane({
    profile: "bare",
    capacity: 1,
    connect,
    deadlineMs: (timeoutMs) => timeoutMs + graceMs,
    deadlineMeans: "timeout",
  });
}
