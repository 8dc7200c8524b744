import type { TestContext } from "node:test";
import { whatJailLacks } from "../../src/interpreter/jail/lane.ts";

/** Whether this machine has what a jail is made of; where not, the test is listed as skipped with the reason. */
export function needsJail(t: TestContext): boolean {
  const lacking = whatJailLacks();
  if (lacking) t.skip(lacking);
  return lacking === undefined;
}
