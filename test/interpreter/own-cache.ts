import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** How a child process ended. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs this Node.js with a cache folder of its own. */
export function node(args: string[], cache: string, environment: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, XDG_CACHE_HOME: cache, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (text) => {
      outcome[name] += text;
    });
  return new Promise((resolve) => child.once("close", (code) => resolve({ ...outcome, code })));
}

/** A module of the interpreter, for code that a child process runs. */
export const module = (path: string): string => new URL(`../../src/interpreter/${path}.js`, import.meta.url).href;
/** A folder for caches that is gone after the test. */
export async function cacheFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-cache-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}
