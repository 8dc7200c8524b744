import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../base/modules.ts";
import { endGroupWith } from "../bubblewrap.ts";
import { Lane, type LaneConnection } from "../lane.ts";
import type { Profile } from "../options.ts";
import type { Snapshot } from "./snapshot.ts";
import { wrapCommand } from "./wrap.ts";

/** What a Pyodide process is started with. */
export interface PyodideLaneOptions {
  profile: Profile;
  snapshot: Snapshot;
  /** Cap on Python's heap beyond what the snapshot holds. MiB. */
  memoryMb: number;
  /** Inside bubblewrap too. */
  wrapped: boolean;
}

/** Node's permission model was an experiment before it got its name. */
const permissionFlag = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";

/** What the process reads: Pyodide and our own built code. */
const folders = (): string[] => [
  dirname(fileURLToPath(import.meta.resolve("pyodide"))),
  ...["..", "../../base"].map((room) => fileURLToPath(new URL(room, import.meta.url))),
];

/** A folder only with its star: Node 20 aborts on a path beside the same path with a star. */
const readable = (): string[] => [
  ...new Set(folders().flatMap((folder) => [join(folder, "*"), join(tryRealpath(folder), "*")])),
];

function tryRealpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * Memory that Node.js itself needs beside Python's heap. Without a limit a snippet could take the machine's memory
 * through JavaScript's arrays, where Python's cap does not reach. MiB.
 */
const nodeMb = 448;
/** The part of it that is for JavaScript's objects. MiB. */
const objectsMb = 128;

function connect({ snapshot, memoryMb, wrapped }: PyodideLaneOptions): LaneConnection {
  const mostMb = nodeMb + memoryMb;
  const node = [
    permissionFlag,
    // For the watchdog thread; a worker has its process's permissions.
    "--allow-worker",
    ...readable().map((path) => `--allow-fs-read=${path}`),
    "--disallow-code-generation-from-strings",
    `--max-old-space-size=${objectsMb}`,
    "--no-warnings",
    fileURLToPath(siblingModule(import.meta.url, "./main")),
    String(memoryMb),
  ];
  const [command, args] = wrapped
    ? wrapCommand(node, folders(), mostMb * 1024)
    : [process.execPath, [...node, String(mostMb)]];
  const child = spawn(command, args, {
    env: {},
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe", snapshot.descriptor],
    windowsHide: true,
    detached: wrapped,
  });
  if (wrapped) endGroupWith(child);
  const channel = child.stdio[3] as Socket;
  const lifeline = child.stdio[4] as Socket;
  lifeline.on("error", () => {});
  // What outlives the spawned process, because that was killed from outside, ends with these.
  child.once("exit", () => {
    channel.destroy();
    lifeline.destroy();
  });
  return {
    child,
    requests: channel,
    replies: channel,
    handles: [child, channel, lifeline, child.stderr as unknown as Socket],
  };
}

/** Starts a hardened Pyodide process. The driver keeps its time: a snippet that passes it ends with its process. */
export function startPyodideLane(options: PyodideLaneOptions): Lane {
  return new Lane({
    profile: options.profile,
    capacity: 1,
    connect: () => connect(options),
    deadlineMs: (timeoutMs) => timeoutMs,
    deadlineMeans: "timeout",
  });
}
