import { test } from "node:test";
import { passesAsOrdinaryUser } from "./as-user.ts";
import { surviveAttacks } from "./attack-run.ts";
import { needsJail } from "./jail.ts";

test("the jail survives every attack", async (t) => {
  if (needsJail(t)) await surviveAttacks(t, "jail", () => true);
});

test("Pyodide survives every attack", async (t) => {
  await surviveAttacks(t, "pyodide", () => true);
});

test("an ordinary user's sandboxes survive every attack", async (t) => {
  await passesAsOrdinaryUser(t, "attacks.long.test", "survives every attack");
});
