import { test } from "node:test";
import { passesAsOrdinaryUser } from "./as-user.ts";
import { surviveAttacks } from "./attack-run.ts";
import { needsJail } from "./jail.ts";

test("the jail survives the core of the attacks", async (t) => {
  if (needsJail(t)) await surviveAttacks(t, "jail", (attack) => attack.core !== undefined);
});

test("Pyodide survives the core of the attacks", async (t) => {
  await surviveAttacks(t, "pyodide", (attack) => attack.core === true);
});

test("an ordinary user's sandbox holds too", async (t) => {
  if (needsJail(t)) await passesAsOrdinaryUser(t, "attacks.test", "the jail survives");
});
