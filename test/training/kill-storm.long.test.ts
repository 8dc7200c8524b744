import { test } from "node:test";
import { killTraining } from "./kills.ts";

test("20 kills at random moments change nothing in how a training ends", async (t) => {
  t.diagnostic(await killTraining({ kills: 20, steps: 30, seed: 2 }));
});
