import { test } from "node:test";
import { needsJail } from "./jail.ts";
import { soak } from "./soak.ts";

test("10,000 snippets in a row leave no process, descriptor or memory behind", async (t) => {
  if (needsJail(t)) await soak(t, 10_000);
});
