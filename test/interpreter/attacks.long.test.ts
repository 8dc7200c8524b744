import { test } from "node:test";
import { surviveAttacks } from "./attack-run.ts";
import { needsJail } from "./jail.ts";

test("the jail survives every attack", async (t) => {
  if (needsJail(t)) await surviveAttacks(t, "jail", () => true);
});

test("Pyodide survives every attack", async (t) => {
  await surviveAttacks(t, "pyodide", () => true);
});
