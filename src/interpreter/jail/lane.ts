import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { Lane, type LaneConnection } from "../lane.ts";
import { assembleFilter, systemCalls } from "./seccomp.ts";

const bubblewrap = "/usr/bin/bwrap";
const python = "/usr/bin/python3";

/** Why this machine cannot have a jail, or undefined where it has what a jail is made of. */
export function whatJailLacks(): string | undefined {
  if (process.platform !== "linux") return "the jail needs Linux";
  if (!systemCalls[process.arch]) return `the jail has no system-call table for ${process.arch}`;
  for (const program of [bubblewrap, python])
    try {
      accessSync(program, constants.X_OK);
    } catch {
      return `${program} is missing`;
    }
  return undefined;
}

/** The jail that a zygote lives in: no network, no /proc, /usr read-only, its own everything. */
function jailArguments(environment: Record<string, string>): string[] {
  const variables = Object.entries({
    PATH: "/usr/bin",
    HOME: "/tmp",
    LANG: "C.UTF-8",
    PYTHONHASHSEED: "0",
    ...environment,
  }).flatMap(([name, value]) => ["--setenv", name, value]);
  const libraries = ["lib", "lib64", "bin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const configuration = ["/etc/ld.so.cache", "/etc/alternatives"]
    .filter((path) => existsSync(path))
    .flatMap((path) => ["--ro-bind", path, path]);
  return [
    ...["--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    // The capability is one inside the jail's own user namespace: a zygote needs it to make its children's namespaces.
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"],
    ...["--clearenv", ...variables],
    ...["--ro-bind", "/usr", "/usr", ...libraries, ...configuration],
    ...["--dir", "/tmp", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"],
  ];
}

/** The zygote's whole program; it is handed over as an argument, so that the jail needs no file of ours. */
const program = (): string =>
  ["../clock.py", "../harness.py", "../preload.py", "./zygote.py"]
    .map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
    .join("\n");

function connect(): LaneConnection {
  const table = systemCalls[process.arch]!;
  const environment = {
    CIRLAB_FILTER: assembleFilter(table).toString("base64"),
    CIRLAB_CLONE: String(table.clone),
  };
  const child = spawn(bubblewrap, [...jailArguments(environment), python, "-s", "-B", "-c", program()], {
    env: {},
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
  });
  type Handle = LaneConnection["handles"][number];
  return {
    child,
    requests: child.stdin,
    replies: child.stdout,
    handles: [child, child.stdin as Handle, child.stdout as Handle, child.stderr as Handle],
  };
}

/** Beyond a snippet's own limit, which the zygote keeps: when the driver gives up on the zygote. */
const graceMs = 10_000;

/** Starts a jailed zygote. It isolates snippets by itself, so it may serve any of them. */
export function startJailLane(): Lane {
  return new Lane({ profile: "bare", capacity: 1, connect, deadlineMs: (timeoutMs) => timeoutMs + graceMs, deadlineMeans: "died" });
}
