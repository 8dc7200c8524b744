import { availableParallelism } from "node:os";
import { InfrastructureError } from "../base/errors.ts";
import type { CheckedOptions, StartedEngine } from "./options.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { quickJsVersion, startQuickJsLane } from "./quickjs/lane.ts";
import { testQuickJs } from "./quickjs/self-test.ts";
import { TypeScriptPool } from "./quickjs/typescript.ts";

/** A process gathers what fragments its memory; after so many snippets it is replaced. */
const maxSnippets = 5000;
const maxSessions = 8;

/** What {@link startQuickJs} needs to know. */
export interface QuickJsOptions extends Pick<CheckedOptions, "lanes" | "sessions"> {
  language: "javascript" | "typescript";
}

/**
 * Starts QuickJS processes and tests that they hold: JavaScript and TypeScript snippets, each in a runtime of its own
 * inside WebAssembly, in hardened processes. A session has a process for itself.
 *
 * @throws InfrastructureError where no process starts or a probe got through.
 */
export async function startQuickJs({ language, lanes, sessions }: QuickJsOptions): Promise<StartedEngine> {
  const count = lanes ?? availableParallelism();
  const options: PoolOptions = {
    start: startQuickJsLane,
    lanes: count,
    processes: count,
    isolation: "pooled",
    maxSnippets,
    diesTwice: "crash",
    sessions: "process",
    maxSessions: sessions ?? maxSessions,
  };
  const pool = language === "typescript" ? new TypeScriptPool(options) : new Pool(options);
  try {
    await pool.ready();
    const report = await testQuickJs(pool);
    const broken = report.probes.find(({ holds }) => !holds);
    if (broken)
      throw new InfrastructureError(`QuickJS does not hold on this machine: ${broken.name} (${broken.found}).`);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    engine: "quickjs",
    version: quickJsVersion(),
    about: "on QuickJS in WebAssembly, a fresh runtime for each snippet",
    profiles: ["bare"],
    packages: [],
    pool,
    selfTest: () => testQuickJs(pool),
  };
}
