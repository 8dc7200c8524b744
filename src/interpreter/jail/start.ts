import { availableParallelism } from "node:os";
import { InfrastructureError } from "../../base/errors.ts";
import type { CheckedOptions, StartedEngine } from "../options.ts";
import { howToInstall, packageFolder } from "../packages/index.ts";
import { Pool } from "../pool.ts";
import { findCgroup } from "./cgroup.ts";
import { startJailLane, whatJailLacks } from "./lane.ts";
import { testJail } from "./self-test.ts";

const oldestPython = 9;
/** Open sessions are processes that take memory while they stand still. */
const usualSessions = 64;

/**
 * Starts jailed zygotes and tests that the jail holds.
 *
 * @throws InfrastructureError where the machine lacks something or a probe got through.
 */
export async function startJail(options: CheckedOptions): Promise<StartedEngine> {
  const lacking = whatJailLacks();
  if (lacking)
    throw new InfrastructureError(`No jail: ${lacking}.`, "On Debian and Ubuntu: apt install bubblewrap python3.");
  const folder = options.profile === "bare" ? undefined : packageFolder("jail");
  const cgroup = findCgroup();
  const cores = availableParallelism();
  // A caller that waits for a snippet's end leaves its core to another one: more lanes than cores.
  const lanes = options.lanes ?? 2 * cores;
  const pool = new Pool({
    start: (profile) => startJailLane({ profile, folder, cgroup, memoryMb: options.memoryMb, lanes }),
    lanes,
    // One process serves many snippets; forking them is work for a core.
    processes: Math.min(lanes, cores),
    isolation: "pooled",
    maxSnippets: 10_000,
    diesTwice: "infrastructure",
    sessions: "shared",
    maxSessions: options.sessions ?? usualSessions,
  });
  try {
    const version = await pool.ready();
    if (Number(version.split(".")[1]) < oldestPython)
      throw new InfrastructureError(
        `The jail needs Python 3.${oldestPython} or newer, /usr/bin/python3 is ${version}.`,
      );
    const report = await testJail(pool);
    const open = report.probes.filter(({ holds }) => !holds);
    if (open.length)
      throw new InfrastructureError(
        `The jail does not hold on this machine: ${open.map(({ name, found }) => `${name} (${found})`).join(", ")}.`,
        'Use engine "pyodide", or allow unprivileged user namespaces.',
      );
    const notes = [
      "a fresh process for each snippet",
      ...(options.isolation === "pooled" ? ['also where "pooled" is asked for'] : []),
      ...(cgroup ? ["memory also limited by cgroups"] : []),
      ...(folder || options.profile === "bare" ? [] : [`no numpy and sympy: ${howToInstall}`]),
    ];
    const about = `in a bubblewrap jail, ${notes.join(", ")}`;
    const profiles = folder ? (["bare", "scientific"] as const) : (["bare"] as const);
    const packages = folder?.packages ?? [];
    return { engine: "jail", version, about, profiles, packages, pool, selfTest: () => testJail(pool) };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
