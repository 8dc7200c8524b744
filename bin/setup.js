// Set-up that `npm start` and `npm test` do by themselves: node modules, the build, and the system tools of the tests.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => console.log(`cirlab: ${text}`);

function fail(text) {
  console.error(`cirlab: ${text}`);
  process.exit(1);
}

/** Refuses a Node.js that is too old, by name, before anything fails in a stranger way. */
export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`needs Node.js 20.19 or newer, this is ${process.versions.node}. Install a newer one from nodejs.org.`);
}

/** Installs the packages of the lock file when they are missing or older than it. */
export function ensureInstalled() {
  const lock = join(root, "package-lock.json");
  const installed = join(root, "node_modules", ".package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs - 1000) return;
  if (existsSync(installed) && samePackages(lock, installed)) return;
  say("installing packages from npm (about a minute, once)");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund"];
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: "inherit" })
    : spawnSync("npm", args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  if (done.status !== 0) fail("npm ci failed; its message stands above. Check the network and run the command again.");
}

/** npm writes its own copy of the lock file into node_modules: equal versions mean that nothing is to be done. */
function samePackages(lock, installed) {
  const wanted = JSON.parse(readFileSync(lock, "utf8")).packages;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => !path || optional || have[path]?.version === version,
  );
}

/** Builds what is stale. */
export function ensureBuilt() {
  const done = spawnSync(process.execPath, [join(root, "bin", "build.js")], { cwd: root, stdio: "inherit" });
  if (done.status !== 0) fail("the build failed; its message stands above.");
}

const onPath = (program) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => folder && existsSync(join(folder, program)));

/** The tests' system tools: Debian package, and how to tell that it is there. */
const tools = [
  { package: "chromium", purpose: "browser tests", present: () => onPath("chromium") || !!process.env.CHROMIUM_PATH },
  { package: "libvulkan1", purpose: "the WebGPU path on a software adapter", present: () => hasVulkan() },
  { package: "bubblewrap", purpose: "jailed Python", present: () => onPath("bwrap") },
  { package: "python3", purpose: "jailed Python", present: () => existsSync("/usr/bin/python3") },
];

function hasVulkan() {
  return ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"].some((folder) =>
    existsSync(join(folder, "libvulkan.so.1")),
  );
}

/**
 * Installs what the tests use beyond npm (Debian, as root) or says what to install; tests whose tool is missing are
 * listed as skipped with the reason.
 */
export function ensureTestTools() {
  const missing = tools.filter((tool) => !tool.present());
  if (!missing.length) return;
  const names = missing.map((tool) => tool.package);
  if (process.platform === "linux" && process.getuid?.() === 0 && onPath("apt-get")) {
    say(`installing ${names.join(", ")} with apt (for ${[...new Set(missing.map((t) => t.purpose))].join(", ")})`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = (...args) => spawnSync("apt-get", ["-qq", ...args], { env, stdio: ["ignore", "ignore", "inherit"] });
    apt("update");
    if (apt("install", "-y", "--no-install-recommends", ...names).status === 0) return;
    say("apt-get failed: the tests that need these are skipped and listed.");
  } else {
    const how = missing.map((tool) => `${tool.package} (${tool.purpose})`).join(", ");
    say(`not on this machine: ${how}. Install them to run every test; what needs them is skipped and listed.`);
  }
}
