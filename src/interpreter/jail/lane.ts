import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { endGroupWith } from "../bubblewrap.ts";
import { Lane, type LaneConnection } from "../lane.ts";
import type { PackageFolder } from "../packages/index.ts";
import type { Profile } from "../types.ts";
import { confine } from "./cgroup.ts";
import { assembleFilter, systemCalls } from "./seccomp.ts";

const bubblewrap = "/usr/bin/bwrap";
const python = "/usr/bin/python3";
/** Where the offered packages lie inside the jail. */
const packagesPath = "/packages";

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
function jailArguments(environment: Record<string, string>, folder: PackageFolder | undefined): string[] {
  const variables = Object.entries({
    PATH: "/usr/bin",
    HOME: "/tmp",
    LANG: "C.UTF-8",
    PYTHONHASHSEED: "0",
    MPLCONFIGDIR: "/tmp",
    // Of address space, which is limited, a thread's arena takes 64 MiB; a thread of BLAS's competes with other snippets.
    MALLOC_ARENA_MAX: "1",
    OPENBLAS_NUM_THREADS: "1",
    OMP_NUM_THREADS: "1",
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
    ...["--ro-bind", "/usr", "/usr", ...libraries, ...configuration, ...packageArguments(folder)],
    ...["--dir", "/tmp", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"],
  ];
}

/** The folder of packages of our own whole; of the system's, where much else lies, the offered ones alone. */
function packageArguments(folder: PackageFolder | undefined): string[] {
  if (!folder) return [];
  if (folder.from === "cache") return ["--ro-bind", folder.path, packagesPath];
  const names = namesOf(folder);
  const wanted = readdirSync(folder.path).filter((entry) => names.includes(entry.split("-")[0]!));
  return wanted.flatMap((entry) => ["--ro-bind", `${folder.path}/${entry}`, `${packagesPath}/${entry}`]);
}

/** The zygote's whole program; it is handed over as an argument, so that the jail needs no file of ours. */
const program = (): string =>
  ["../clock.py", "../harness.py", "../preload.py", "./confine.py", "./child.py", "./zygote.py"]
    .map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
    .join("\n");

/** What a zygote is started with. */
export interface JailLaneOptions {
  profile: Profile;
  /** Packages that snippets may import. */
  folder: PackageFolder | undefined;
  /** Control group to make the zygote's own one in. */
  cgroup: string | undefined;
  /** Memory of a snippet. MiB. */
  memoryMb: number;
  /** Snippets that compute at the same time. */
  lanes: number;
}

const namesOf = (folder: PackageFolder | undefined): string[] =>
  folder?.packages.map((text) => text.split(" ")[0]!) ?? [];

/** What the scientific profile has loaded before a snippet starts, as Python. */
function scientificSource(folder: PackageFolder | undefined): string {
  const warm = readFileSync(new URL("../warm-sympy.py", import.meta.url), "utf8");
  return namesOf(folder).includes("numpy") ? `import numpy\n${warm}` : warm;
}

function connect({ profile, folder, cgroup, memoryMb, lanes }: JailLaneOptions): LaneConnection {
  const table = systemCalls[process.arch]!;
  const environment = {
    CIRLAB_FILTER: assembleFilter(table).toString("base64"),
    CIRLAB_CLONE: String(table.clone),
    CIRLAB_PRELOAD: profile === "scientific" ? scientificSource(folder) : "",
  };
  const child = spawn(bubblewrap, [...jailArguments(environment, folder), python, "-s", "-B", "-c", program()], {
    env: {},
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  endGroupWith(child);
  if (cgroup && child.pid) {
    // Every snippet has its own limit; this is one for those that run at the same time, should that one not bind.
    const release = confine(cgroup, child.pid, { memoryMb: 256 + 2 * lanes * memoryMb, pids: 4096 });
    child.once("exit", release);
  }
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

/** Starts a jailed zygote. It isolates snippets by itself, so it may serve any of them, many at once. */
export function startJailLane(options: JailLaneOptions): Lane {
  return new Lane({
    profile: options.profile,
    capacity: Number.POSITIVE_INFINITY,
    connect: () => connect(options),
    deadlineMs: (timeoutMs) => timeoutMs + graceMs,
    deadlineMeans: "died",
  });
}
