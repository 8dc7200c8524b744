import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const bubblewrap = "/usr/bin/bwrap";
const probeLimitMs = 10_000;

/** The nearest package.json: Node.js asks it whether our files are ES modules. */
function packageFile(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) || dirname(folder) === folder) return file;
  }
}

/**
 * A command line that runs Node.js without network, and with no file of the host but the system's libraries and the
 * given folders, all read-only. The operating system keeps to it whatever a snippet gets hold of inside.
 *
 * @param dataKb limit of the memory that the process can write to (RLIMIT_DATA): what a snippet takes from JavaScript's
 *   side of the process is under no other limit. KiB.
 */
export function wrapCommand(args: readonly string[], folders: readonly string[], dataKb: number): [string, string[]] {
  const libraries = ["lib", "lib64", "bin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const visible = ["/etc/ld.so.cache", process.execPath, packageFile(), ...folders];
  const options = [
    ...["--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"],
    ...["--ro-bind", "/usr", "/usr", ...libraries],
    ...visible.flatMap((path) => (existsSync(path) ? ["--ro-bind", path, path] : [])),
    ...["--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"],
  ];
  const limited = ["/bin/sh", "-c", `ulimit -d ${Math.round(dataKb)}; exec "$0" "$@"`, process.execPath, ...args];
  return [bubblewrap, [...options, ...limited]];
}

let able: Promise<boolean> | undefined;

/** Whether this machine runs Node.js that way. Found out once. */
export function canWrap(): Promise<boolean> {
  able ??= probe();
  return able;
}

async function probe(): Promise<boolean> {
  if (process.platform !== "linux" || !existsSync(bubblewrap)) return false;
  const [command, args] = wrapCommand(["--version"], [], 2 ** 22);
  return promisify(execFile)(command, args, { env: {}, timeout: probeLimitMs }).then(
    ({ stdout }) => stdout.trim() === process.version,
    () => false,
  );
}
