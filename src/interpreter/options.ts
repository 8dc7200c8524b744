import { z } from "zod";
import type { Pool } from "./pool.ts";

/** Options of an interpreter as the door checks them; the defaults are CIR's. */
export const interpreterOptions = z.strictObject({
  /** `"auto"`: the jail where it holds, else Pyodide. */
  engine: z.enum(["auto", "jail", "pyodide"]).default("auto"),
  /** Wall time of a snippet. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(5000),
  /** Characters of output that a policy reads back; what is longer is cut in the middle. */
  maxOutputChars: z.number().int().min(2).default(400),
  /** How much snippets may share on Pyodide; the jail always isolates each. */
  isolation: z.enum(["snippet", "rollout", "pooled"]).default("rollout"),
  /** Snippets that run at the same time; by default by the number of cores. */
  lanes: z.number().int().min(1).max(256).optional(),
  /** Memory of a snippet's Python. MiB. */
  memoryMb: z.number().int().min(64).max(2048).default(256),
  /** Seed of Python's `random`, set anew for every snippet. */
  seed: z.number().int().min(0).max(0xffffffff).default(0),
});

export type CheckedOptions = z.output<typeof interpreterOptions>;

/** Options of {@link PythonInterpreter.start}; all have defaults. */
export type PythonInterpreterOptions = z.input<typeof interpreterOptions>;

/** An engine that runs: its pool and what there is to say about it. */
export interface StartedEngine {
  engine: "jail" | "pyodide";
  /** Python's version. */
  version: string;
  /** What the engine is and how it isolates, for the description. */
  about: string;
  pool: Pool;
}
