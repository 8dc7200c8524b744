import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { type Attack, attacks, ordinaryOutput, ordinarySnippet } from "./attacks.ts";

/** Runs attacks one by one, each followed by the ordinary snippet, and looks at the host afterwards. */
export async function surviveAttacks(
  t: TestContext,
  engine: "jail" | "pyodide",
  chosen: (attack: Attack) => boolean,
): Promise<void> {
  // Not under /tmp: in the jail and in Pyodide that is another folder, so that a path there would prove nothing.
  const folder = await mkdtemp(join(process.env.HOME ?? tmpdir(), ".cirlab-attacks-"));
  const secret = join(folder, "secret.txt");
  await writeFile(secret, "TOP SECRET");
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.end("open door");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const interpreter = await PythonInterpreter.start({ engine, isolation: "snippet", lanes: 1 });
  try {
    for (const attack of attacks({ secret, folder, port, pid: process.pid }).filter(chosen))
      await t.test(attack.name, async () => {
        const result = await interpreter.run(attack.code, { timeoutMs: 1500 });
        assert.notEqual(result.status, "infrastructure", result.stderr);
        assert.doesNotMatch(result.stdout, /LEAK|TOP SECRET/);
        const after = await interpreter.run(ordinarySnippet);
        assert.equal(after.stdout, ordinaryOutput, after.stderr);
        assert.equal(after.status, "ok");
      });
    assert.deepEqual(await readdir(folder), ["secret.txt"]);
    assert.equal(await readFile(secret, "utf8"), "TOP SECRET");
    assert.equal(connections, 0);
    if (engine === "jail") assert.equal(interpreter.stats().infrastructureFailures, 0);
  } finally {
    await interpreter.close();
    server.close();
    await rm(folder, { recursive: true });
  }
}
