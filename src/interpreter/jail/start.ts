import { availableParallelism } from "node:os";
import { InfrastructureError } from "../../base/errors.ts";
import type { CheckedOptions, StartedEngine } from "../options.ts";
import { Pool } from "../pool.ts";
import { startJailLane, whatJailLacks } from "./lane.ts";
import { testJail } from "./self-test.ts";

const oldestPython = 9;

/**
 * Starts jailed zygotes and tests that the jail holds.
 *
 * @throws InfrastructureError where the machine lacks something or a probe got through.
 */
export async function startJail(options: CheckedOptions): Promise<StartedEngine> {
  const lacking = whatJailLacks();
  if (lacking)
    throw new InfrastructureError(`No jail: ${lacking}.`, "On Debian and Ubuntu: apt install bubblewrap python3.");
  const pool = new Pool({
    start: startJailLane,
    // A zygote takes little memory, and a snippet that sleeps takes no core: more lanes than cores.
    lanes: options.lanes ?? 2 * availableParallelism(),
    spares: 0,
    isolation: "pooled",
    maxSnippets: 10_000,
    diesTwice: "infrastructure",
  });
  try {
    const version = await pool.ready();
    if (Number(version.split(".")[1]) < oldestPython)
      throw new InfrastructureError(
        `The jail needs Python 3.${oldestPython} or newer, /usr/bin/python3 is ${version}.`,
      );
    await testJail(pool);
    const asked = options.isolation === "pooled" ? ' (also where "pooled" is asked for)' : "";
    return { engine: "jail", version, about: `in a bubblewrap jail, a fresh process for each snippet${asked}`, pool };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
