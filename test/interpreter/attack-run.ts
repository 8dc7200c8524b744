import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { until } from "../until.ts";
import type { Attack } from "./attack.ts";
import { attacks, ordinaryOutput, ordinarySnippet } from "./attacks.ts";
import { processTrees } from "./processes.ts";

/** What of the host outside of the attacks' folder must stay as it is. */
async function hostState(): Promise<unknown> {
  const names = ["/", "/usr", "/usr/bin", "/etc", "/root", "/dev/shm", "/dev/mqueue"];
  const listings = names.map((name) => readdir(name).catch(() => []));
  const counted = ["shm", "sem", "msg"].map((name) => readFile(`/proc/sysvipc/${name}`, "utf8").catch(() => ""));
  return {
    listings: await Promise.all(listings),
    ipc: (await Promise.all(counted)).map((text) => text.split("\n").length),
  };
}

/** Servers on the loopback interface that count who comes. */
async function openDoors(t: TestContext): Promise<{ port: number; visitors(): number }> {
  let visitors = 0;
  const server = createServer((socket) => {
    visitors++;
    socket.on("error", () => {});
    socket.end("open door");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const datagrams = createSocket("udp4", () => visitors++);
  await new Promise<void>((listening) => datagrams.bind(port, "127.0.0.1", listening));
  t.after(() => {
    server.close();
    datagrams.close();
  });
  return { port, visitors: () => visitors };
}

/** Runs attacks one by one, each followed by the ordinary snippet, and looks at the host afterwards. */
export async function surviveAttacks(
  t: TestContext,
  engine: "jail" | "pyodide",
  chosen: (attack: Attack) => boolean,
): Promise<void> {
  // Not under /tmp: in the jail and in Pyodide that is another folder, so that a path there would prove nothing.
  const folder = await mkdtemp(join(process.env.HOME ?? tmpdir(), ".cirlab-attacks-"));
  t.after(() => rm(folder, { recursive: true }));
  const secret = join(folder, "secret.txt");
  await writeFile(secret, "TOP SECRET");
  process.env.CIRLAB_TEST_SECRET = "TOP SECRET";
  const { port, visitors } = await openDoors(t);
  const before = await hostState();
  const interpreter = await PythonInterpreter.start({ engine, isolation: "snippet", lanes: 1 });
  t.after(() => interpreter.close());
  assert.equal((await interpreter.run(ordinarySnippet)).stdout, ordinaryOutput);
  /** Processes below each of the interpreter's own: a snippet's would be more. */
  const standing = Math.max(0, ...processTrees().values());
  const isQuiet = (): boolean =>
    [...processTrees()].every(([pid, size]) => interpreter.pids.includes(pid) && size <= standing);
  // ctypes alone takes Pyodide most of a second on a busy machine.
  const timeoutMs = engine === "jail" ? 1000 : 2500;
  /** Time for those that another limit must end, however busy the machine is. */
  const limitOf = ({ ends }: Attack): number => (ends === undefined || ends === "timeout" ? timeoutMs : 30_000);
  for (const attack of attacks({ secret, folder, port, pid: process.pid }).filter(chosen))
    await t.test(attack.name, async (t) => {
      const result = await interpreter.run(attack.code, { timeoutMs: limitOf(attack) });
      t.diagnostic(`${result.status} ${result.error?.lastLine.slice(0, 100) ?? ""}`);
      assert.notEqual(result.status, "infrastructure", result.stderr);
      if (attack.ends) assert.equal(result.status, attack.ends);
      assert.doesNotMatch(result.stdout, /LEAK/);
      assert.doesNotMatch(result.stdout + result.stderr, /TOP SECRET/);
      const snippet = attack.after ?? { code: ordinarySnippet, stdout: ordinaryOutput };
      const after = await interpreter.run(snippet.code, { timeoutMs: 20_000 });
      assert.equal(after.stdout, snippet.stdout, after.stderr);
      assert.equal(after.status, "ok");
      await until(isQuiet, "no process outlives its snippet");
    });
  assert.deepEqual(await readdir(folder), ["secret.txt"]);
  assert.equal(await readFile(secret, "utf8"), "TOP SECRET");
  assert.deepEqual(await hostState(), before);
  assert.equal(visitors(), 0);
  if (engine === "jail") assert.equal(interpreter.stats().infrastructureFailures, 0);
}
