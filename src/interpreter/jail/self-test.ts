import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { InfrastructureError } from "../../base/errors.ts";
import type { Pool } from "../pool.ts";
import type { LaneJob } from "../protocol.ts";
import type { ExecutionStatus } from "../types.ts";

/** Python that prints the name of each attempt that succeeded; `paths` are files and folders of the host. */
const attempts = (paths: readonly string[]): string => `
import os, socket
def attempt(name, act):
    try:
        act()
    except OSError:
        return
    print(name)
attempt("a socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
attempt("a process", os.fork)
attempt("a program", lambda: os.execv("/usr/bin/true", ["true"]))
attempt("a namespace", lambda: os.stat("/proc/self"))
for path in ("/", "/usr", "/etc", "/dev/shm", "/home"):
    attempt("writing " + path, lambda: open(os.path.join(path, "probe"), "w"))
for path in ${JSON.stringify(["/etc/passwd", "/etc/shadow", ...paths])}:
    attempt("reading " + path, lambda: os.stat(path))
attempt("init", lambda: os.kill(1, 9) or os.kill(2, 9))
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

/**
 * Runs a handful of hostile snippets that must fail and an ordinary one after them that must not.
 *
 * @throws InfrastructureError naming what the jail let through.
 */
export async function testJail(pool: Pool): Promise<void> {
  const run = async (code: string, timeoutMs = 5000): Promise<{ status: ExecutionStatus; output: string }> => {
    const outcome = await pool.run({ ...plain, code, timeoutMs });
    if (outcome.status === "infrastructure") return { status: outcome.status, output: outcome.reason };
    return { status: outcome.status, output: `${outcome.stdout}${outcome.report?.error?.lastLine ?? ""}` };
  };
  const mustBe = (
    what: string,
    found: { status: ExecutionStatus; output: string },
    status: string,
    output?: string,
  ) => {
    if (found.status === status && (output === undefined || found.output === output)) return;
    throw new InfrastructureError(
      `The jail does not hold on this machine: ${what} gave ${found.status} ${JSON.stringify(found.output.slice(0, 200))}.`,
      'Use engine "pyodide", or allow unprivileged user namespaces.',
    );
  };
  const secret = join(tmpdir(), `cirlab-probe-${randomUUID()}`);
  await writeFile(secret, "secret");
  try {
    mustBe("an ordinary snippet", await run("print(6 * 7)"), "ok", "42\n");
    mustBe(
      "the escape probes",
      await run(attempts([secret, homedir(), process.execPath].filter(outsideUsr))),
      "ok",
      "end\n",
    );
  } finally {
    await rm(secret, { force: true });
  }
  mustBe("an endless loop", await run("while True: pass", 300), "timeout");
  mustBe("a large allocation", await run("x = bytearray(10**10)"), "memory");
  mustBe("a file left in /tmp", await run('open("/tmp/left", "w").close()'), "ok", "");
  // The first process of a namespace cannot end itself; what counts is that it ends nobody else.
  await run("import os; os.kill(0, 9)");
  mustBe("an ordinary snippet after the hostile ones", await run('import os; print(os.listdir("/tmp"))'), "ok", "[]\n");
}

/** The jail sees /usr, read-only; whatever else of the host it sees is a hole. */
const outsideUsr = (path: string): boolean => !path.startsWith("/usr/");
