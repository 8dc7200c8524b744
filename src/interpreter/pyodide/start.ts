import { availableParallelism } from "node:os";
import { InfrastructureError } from "../../base/errors.ts";
import type { Lane } from "../lane.ts";
import type { CheckedOptions, Profile, StartedEngine } from "../options.ts";
import { howToInstall, type PackageFolder, packageFolder } from "../packages/index.ts";
import { Pool } from "../pool.ts";
import type { Isolation } from "../types.ts";
import { startPyodideLane } from "./lane.ts";
import { testPyodide } from "./self-test.ts";
import { discardSnapshot, ensureSnapshot, type Snapshot } from "./snapshot.ts";
import { canWrap } from "./wrap.ts";

/** A process gathers what a reset does not reach; after so many snippets it is replaced. */
const maxSnippets = 500;

/** Each takes a process. */
const defaultSessions = 8;

const promises: Record<Isolation, string> = {
  snippet: "a fresh process for each snippet",
  rollout: "a fresh process for each rollout, reset between its snippets",
  pooled: "processes shared by many snippets and reset between them, which isolates snippets from each other less",
};

/** What the processes start from. */
interface Snapshots {
  bare: Snapshot;
  scientific: Snapshot | undefined;
  packages: readonly string[];
  /** Why there are no packages. */
  lacking: string | undefined;
}

/**
 * Starts hardened Pyodide processes; works wherever Node.js does.
 *
 * @throws InfrastructureError where no process starts or a probe got out of one.
 */
export async function startPyodide(options: CheckedOptions): Promise<StartedEngine> {
  const folder = options.profile === "bare" ? undefined : packageFolder("pyodide");
  const wrapped = await canWrap();
  const attempt = async (): Promise<StartedEngine> => {
    const snapshots = await takeSnapshots(options, folder);
    const startLane = (profile: Profile): Lane => {
      const { bare, scientific } = snapshots;
      const chosen = profile === "scientific" && scientific ? scientific : bare;
      return startPyodideLane({
        profile: chosen === bare ? "bare" : profile,
        snapshot: chosen,
        memoryMb: options.memoryMb,
        wrapped,
      });
    };
    const { pool, version } = await startPool(options, startLane);
    const walls = wrapped ? "hardened, inside bubblewrap" : "hardened, without bubblewrap";
    const { packages, lacking } = snapshots;
    const about = `on Pyodide (${walls}${lacking ? `; ${lacking}` : ""}), ${promises[options.isolation]}`;
    return {
      engine: "pyodide",
      version,
      about,
      profiles: snapshots.scientific ? ["bare", "scientific"] : ["bare"],
      packages,
      pool,
      selfTest: () => testPyodide(() => startLane("bare"), true),
    };
  };
  // A cached snapshot may be damaged: made anew, it gets a second chance.
  return attempt().catch(async () => {
    await Promise.all([discardSnapshot(), folder && discardSnapshot(folder)]);
    return attempt();
  });
}

async function takeSnapshots(options: CheckedOptions, folder: PackageFolder | undefined): Promise<Snapshots> {
  const [bare, scientific] = await Promise.all([
    ensureSnapshot(),
    folder && ensureSnapshot(folder).catch((error: unknown) => (error instanceof Error ? error.message : "")),
  ]);
  if (folder && typeof scientific === "object")
    return { bare, scientific, packages: folder.packages, lacking: undefined };
  const why = folder ? `sympy does not load: ${scientific}` : `no sympy: ${howToInstall}`;
  return { bare, scientific: undefined, packages: [], lacking: options.profile === "bare" ? undefined : why };
}

async function startPool(
  options: CheckedOptions,
  startLane: (profile: Profile) => Lane,
): Promise<{ pool: Pool; version: string }> {
  const lanes = options.lanes ?? availableParallelism();
  // Before the pool's own processes, so that it is ready first.
  const tested = testPyodide(() => startLane("bare"), false);
  const pool = new Pool({
    start: startLane,
    lanes,
    // One is warm to take the place of the next that is thrown away; each takes 160 to 210 MB.
    processes: lanes + 1,
    isolation: options.isolation,
    maxSnippets,
    diesTwice: "crash",
    sessions: "process",
    maxSessions: options.sessions ?? defaultSessions,
  });
  try {
    const [{ probes }, version] = await Promise.all([tested, pool.ready()]);
    const open = probes.filter((probe) => !probe.holds);
    if (open.length)
      throw new InfrastructureError(
        `Pyodide does not hold on this machine: ${open.map(({ name, found }) => `${name} (${found})`).join(", ")}.`,
        "Do not run untrusted code with it; say which Node.js this is when you report it.",
      );
    return { pool, version };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
