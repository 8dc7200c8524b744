import { availableParallelism } from "node:os";
import type { CheckedOptions, StartedEngine } from "../options.ts";
import { Pool } from "../pool.ts";
import type { Isolation } from "../types.ts";
import { startPyodideLane } from "./lane.ts";
import { discardSnapshot, ensureSnapshot } from "./snapshot.ts";

/** A process gathers what a reset does not reach; after so many snippets it is replaced. */
const maxSnippets = 500;

const promises: Record<Isolation, string> = {
  snippet: "a fresh process for each snippet",
  rollout: "a fresh process for each rollout, reset between its snippets",
  pooled: "processes shared by many snippets and reset between them, which isolates snippets from each other less",
};

/** Starts hardened Pyodide processes; works wherever Node does. */
export async function startPyodide(options: CheckedOptions): Promise<StartedEngine> {
  // A cached snapshot may be damaged: made anew, it gets a second chance.
  const { pool, version } = await startPool(options).catch(async () => {
    await discardSnapshot();
    return startPool(options);
  });
  return { engine: "pyodide", version, about: `on Pyodide, ${promises[options.isolation]}`, pool };
}

async function startPool(options: CheckedOptions): Promise<{ pool: Pool; version: string }> {
  const snapshot = await ensureSnapshot();
  const lanes = options.lanes ?? availableParallelism();
  const pool = new Pool({
    start: () => startPyodideLane(snapshot, options.memoryMb),
    lanes,
    spares: options.isolation === "pooled" ? 1 : lanes,
    isolation: options.isolation,
    maxSnippets,
    diesTwice: "crash",
  });
  try {
    return { pool, version: await pool.ready() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
