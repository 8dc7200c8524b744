import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "../pool.ts";
import type { LaneJob } from "../protocol.ts";
import type { SelfTestReport } from "../types.ts";

/** What a snippet must not be able to do, as Python: each must raise an OSError. `paths` are files and folders of the host. */
const attempts = (paths: readonly string[]): Record<string, string> => ({
  "opening a socket": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
  "starting a process": "os.fork()",
  "running a program": 'os.execv("/usr/bin/true", ["true"])',
  "seeing other processes": 'os.stat("/proc/self")',
  ...Object.fromEntries(
    ["/", "/usr", "/etc", "/dev/shm", "/home"].map((path) => [
      `writing to ${path}`,
      `open(os.path.join(${JSON.stringify(path)}, "probe"), "w")`,
    ]),
  ),
  ...Object.fromEntries(
    ["/etc/passwd", "/etc/shadow", ...paths].map((path) => [`reading ${path}`, `os.stat(${JSON.stringify(path)})`]),
  ),
  "ending the first process": "os.kill(1, 9) or os.kill(2, 9)",
});

/** Python that prints the name of each attempt that succeeded, then "end". */
const program = (statements: Record<string, string>): string => `
import json, os, socket
for name, code in json.loads(${JSON.stringify(JSON.stringify(statements))}).items():
    try:
        eval(code)
    except OSError:
        continue
    print(name)
print("end")
`;

const plain: Omit<LaneJob, "code" | "timeoutMs"> = {
  seed: 0,
  clock: null,
  memoryMb: 128,
  maxOutputBytes: 1 << 16,
  lastExpression: false,
  plots: false,
  profile: "bare",
  session: null,
};

/** The jail sees /usr, read-only; whatever else of the host it sees is a hole. */
const outsideUsr = (path: string): boolean => !path.startsWith("/usr/");

/** Runs hostile snippets that must fail, and an ordinary one after them that must not. */
export async function testJail(pool: Pool): Promise<SelfTestReport> {
  const probes: SelfTestReport["probes"] = [];
  const note = (name: string, wanted: string, found: string): void => {
    probes.push(found === wanted ? { name, holds: true } : { name, holds: false, found: found.slice(0, 200) });
  };
  const run = async (code: string, timeoutMs = 10_000): Promise<{ status: string; output: string }> => {
    const outcome = await pool.run({ ...plain, code, timeoutMs });
    if (outcome.status === "infrastructure") return { status: `${outcome.status} (${outcome.reason})`, output: "" };
    return { status: outcome.status, output: outcome.stdout.toString("utf8") };
  };
  const secret = join(tmpdir(), `cirlab-probe-${randomUUID()}`);
  // On a full disk the other files of the host must do.
  const written = await writeFile(secret, "secret", { flag: "wx", mode: 0o600 }).then(
    () => [secret],
    () => [],
  );
  try {
    const statements = attempts([...written, homedir(), process.execPath].filter(outsideUsr));
    const { status, output } = await run(program(statements));
    const succeeded = output.split("\n");
    for (const name of Object.keys(statements))
      note(name, "refused", succeeded.includes(name) ? "not refused" : "refused");
    note("the probes' end", "ok end", `${status} ${succeeded.at(-2)}`);
  } finally {
    await rm(secret, { force: true });
  }
  const [endless, large, left] = await Promise.all([
    run("while True: pass", 300),
    run("x = bytearray(10**10)"),
    run('open("/tmp/left", "w").close()'),
    // The first process of a namespace cannot end itself; what counts is that it ends nobody else.
    run("import os; os.kill(0, 9)"),
  ]);
  note("an endless loop", "timeout", endless.status);
  note("a large allocation", "memory", large.status);
  note("a file in /tmp", "ok", left.status);
  const after = await run('import os; print(os.listdir("/tmp"), 6 * 7)');
  note("an ordinary snippet after them", "ok [] 42\n", `${after.status} ${after.output}`);
  return { holds: probes.every(({ holds }) => holds), probes };
}
