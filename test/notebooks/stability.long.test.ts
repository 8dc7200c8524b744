import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { outputOf, root, run } from "./runner.ts";

test("the third tutorial, small: the guard fires, names rollouts, goes back, and the fixed run recovers", async () => {
  const cells = await run(join(root, "notebooks/tutorials/03-stability.ipynb"), {
    coldStartSteps: 200,
    healthy: 22,
    after: 6,
    maskSteps: 3,
    promptsPerStep: 8,
  });
  const guarded = outputOf(cells, "guarded.flatMap");
  assert.match(guarded, /23 .*rollback\s+kl is [\d.]+, above the limit of .* those that step 23 began with/);
  const finals = outputOf(cells, "goes back to step");
  const final = (name: string) => Number(new RegExp(`^${name}\\s+([\\d.]+)`, "m").exec(finals)![1]);
  assert.ok(final("fixed") > final("broken") + 0.2, finals);
  assert.match(outputOf(cells, "alerts[0]!.rollouts.slice"), /rollout \d+\/\d+ · task/);
  assert.match(outputOf(cells, "upgraded.flatMap((step) => step.alerts)"), /DeprecationWarning:.old.syntax/);
  assert.match(outputOf(cells, "upgraded.flatMap(({ step"), /rollback/);
  const poisoned = outputOf(cells, "was poisoned");
  assert.match(poisoned, /^─.*\n\s*7\s+0\s+7\s+1,000 /m, "the poisoned rollout comes first");
});
