import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findPython, JupyterHome, missing } from "./python.ts";

/** Tests of the suite itself (version 0.7), and ours beside them. */
const expected = [
  "Suite.test_clear_output",
  "Suite.test_comm",
  "Suite.test_completion",
  "Suite.test_display_data",
  "Suite.test_error",
  "Suite.test_execute_result",
  "Suite.test_execute_stderr",
  "Suite.test_execute_stdout",
  "Suite.test_history",
  "Suite.test_inspect",
  "Suite.test_interrupt",
  "Suite.test_is_complete",
  "Suite.test_kernel_info",
  "Suite.test_kernel_info_names_all_that_clients_read",
  "Suite.test_restart",
  "Suite.test_stdin",
  "Welcome.test_recv_iopub_welcome_msg",
];

test("jupyter_kernel_test: every test passes, none but the pager's is skipped", async (t) => {
  const python = findPython("jupyter_kernel_test");
  if (!python) return t.skip(missing("jupyter_kernel_test"));
  const home = await JupyterHome.create(t);
  const script = fileURLToPath(new URL("./kernel-test.py", import.meta.url));
  const { stdout, stderr } = await home.run(python, [script, "cirlab"]);
  const results = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { test: string; outcome: string; reason: string });
  const of = (outcome: string) => results.filter((result) => result.outcome === outcome);
  const failures = of("failed").map(({ test: name, reason }) => `${name}: ${reason}`);
  assert.deepEqual(failures, [], failures.join("\n"));
  assert.deepEqual(
    of("skipped").map((result) => result.test),
    ["Suite.test_pager"],
  );
  assert.deepEqual(
    of("passed")
      .map((result) => result.test)
      .sort(),
    expected,
    stderr,
  );
});
