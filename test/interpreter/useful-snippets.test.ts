import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { needsJail } from "./jail.ts";
import { jailSnippets, packageSnippets } from "./ok-snippets.ts";

/** Runs a table; every difference is named. */
async function agrees(python: PythonInterpreter, table: readonly (readonly [string, string])[]): Promise<void> {
  const wrong: unknown[] = [];
  await Promise.all(
    table.map(async ([code, expected]) => {
      const { stdout, stderr, status } = await python.run(code, { timeoutMs: 30_000 });
      if (stdout !== expected) wrong.push({ code, expected, stdout, status, stderr });
    }),
  );
  assert.deepEqual(wrong, []);
}

/** The snippets whose package this interpreter offers. */
function offered(t: TestContext, python: PythonInterpreter): [string, string][] {
  const has = (name: string): boolean => python.packages.some((each) => each.startsWith(`${name} `));
  const table = packageSnippets.filter(([needs]) => has(needs)).map(([, ...row]) => row);
  if (!table.length) t.skip("no packages are installed: cirlab packages install");
  return table as [string, string][];
}

test("threads, signals and pipes work in the jail", async (t) => {
  if (!needsJail(t)) return;
  const python = await PythonInterpreter.start({ engine: "jail", profile: "bare" });
  t.after(() => python.close());
  await agrees(python, jailSnippets);
});

for (const engine of ["jail", "pyodide"] as const)
  test(`${engine}: packages give the expected output`, async (t) => {
    if (engine === "jail" && !needsJail(t)) return;
    const python = await PythonInterpreter.start({ engine, isolation: "rollout", lanes: 1 });
    t.after(() => python.close());
    await agrees(python, offered(t, python));
  });
