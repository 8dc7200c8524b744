import { test } from "node:test";
import { killTraining } from "./kills.ts";

test("a training killed with SIGKILL and taken up by another process ends as one that was never disturbed", async (t) => {
  t.diagnostic(await killTraining({ kills: 1, steps: 6, seed: 1 }));
});
