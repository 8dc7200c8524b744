import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lane } from "../lane.ts";
import type { LaneJob } from "../protocol.ts";
import type { SelfTestReport } from "../types.ts";

/** Ways out of a Python inside Node.js: each statement must raise. */
const attempts = (secret: string, folder: string, port: number): Record<string, string> => ({
  "Node's process": "import js; js.process.pid",
  "Node's network": "import js; js.fetch",
  "Node's modules": "import js; js.require",
  "running JavaScript": "from pyodide.code import run_js; run_js('1')",
  "a function from a string": "from pyodide.ffi import to_js; to_js([1]).constructor.constructor('return 1')()",
  "mounting a host folder": `import pyodide_js; pyodide_js.mountNodeFS("/mnt", ${JSON.stringify(folder)})`,
  "the host's file systems": "import pyodide_js; pyodide_js.FS.filesystems.NODEFS.mount",
  "reading a host file": `open(${JSON.stringify(join(folder, secret))})`,
  "listing a host folder": `import os; os.listdir(${JSON.stringify(folder)}).index(${JSON.stringify(secret)})`,
  "a child process": "import os; os.fork()",
  "another program": "import subprocess; subprocess.run(['true'])",
  "the network": `import socket; socket.create_connection(("127.0.0.1", ${port}), 0.05).recv(1)[0]`,
});

/** The same, but a refusal ends the process. */
const lastAttempts: Record<string, string> = {
  "a shell": "import posix; [0][posix.system('true')]",
  "a script through the C library":
    "import ctypes; f = ctypes.CDLL(None).emscripten_run_script_string; f.restype = ctypes.c_char_p; f(b'1')",
};

/** Python that prints the name of each statement that did not raise. */
const program = (statements: Record<string, string>): string => `
import json
for name, code in json.loads(${JSON.stringify(JSON.stringify(statements))}).items():
    try:
        exec(code, {})
    except BaseException:
        continue
    print(name, flush=True)
`;

const plain: Omit<LaneJob, "code"> = {
  seed: 0,
  clock: null,
  timeoutMs: 10_000,
  memoryMb: 128,
  maxOutputBytes: 1 << 16,
  lastExpression: false,
  plots: false,
  profile: "bare",
  session: null,
};

/** What a snippet printed, whether or not the process survived it. */
async function printed(lane: Lane, code: string): Promise<string> {
  const result = await lane.run({ ...plain, id: 1, code });
  if (result.status === "ok" || result.status === "crash") return result.stdout.toString("utf8");
  return `ended with ${result.status}`;
}

/**
 * Tries to get out of Pyodide processes in the known ways, and whether they still run ordinary code afterwards.
 *
 * @param startLane starts a process for the test alone; one is enough unless the test is `thorough`.
 * @throws InfrastructureError where a process does not start.
 */
export async function testPyodide(startLane: () => Lane, thorough: boolean): Promise<SelfTestReport> {
  const folder = tmpdir();
  const secret = `cirlab-probe-${randomUUID()}`;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.end("x");
  });
  server.listen(0, "127.0.0.1");
  const lanes = [startLane()];
  try {
    await Promise.all([
      once(server, "listening"),
      writeFile(join(folder, secret), "secret", { flag: "wx", mode: 0o600 }),
      lanes[0]!.ready,
    ]);
    const statements = attempts(secret, folder, (server.address() as AddressInfo).port);
    let said = await printed(lanes[0]!, program(statements));
    const answer = await printed(lanes[0]!, "print(6 * 7)");
    for (const [i, [name, code]] of Object.entries(lastAttempts).entries()) {
      if (i > 0 && !thorough) break;
      lanes[i] ??= startLane();
      await lanes[i].ready;
      statements[name] = code;
      said += await printed(lanes[i], program({ [name]: code }));
    }
    const out = said.split("\n");
    const report = (name: string, holds: boolean, found: string) => (holds ? { name, holds } : { name, holds, found });
    const probes = [
      ...Object.keys(statements).map((name) => report(name, !out.includes(name), "it was not refused")),
      report("no connection to the host", connections === 0, `${connections} connections`),
      report("the attempts' end", !said.includes("ended with"), said.trim()),
      report("an ordinary snippet afterwards", answer === "42\n", answer),
    ];
    return { holds: probes.every(({ holds }) => holds), probes };
  } finally {
    for (const lane of lanes) lane.kill();
    server.close();
    await rm(join(folder, secret), { force: true });
  }
}
