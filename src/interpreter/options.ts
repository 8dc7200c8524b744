import { z } from "zod";
import { feedbackOption } from "./feedback-presets.ts";
import type { Pool } from "./pool.ts";
import type { Profile, SelfTestReport } from "./types.ts";

export type { Profile } from "./types.ts";

/** Options of an interpreter as the door checks them; the defaults are CIR's. */
export const interpreterOptions = z.strictObject({
  /** `"auto"`: the jail where it holds, else Pyodide. */
  engine: z.enum(["auto", "jail", "pyodide"]).default("auto"),
  /**
   * What is loaded beforehand. `"auto"`: numpy and sympy for snippets that import them, where they are installed.
   * `"bare"`: snippets have the standard library alone.
   */
  profile: z.enum(["auto", "bare", "scientific"]).default("auto"),
  /** Wall time of a snippet. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(5000),
  /** How a result becomes what a policy reads: a paper's rule, such a rule with changes, or a function. */
  feedback: feedbackOption.default("cir"),
  /** Characters of output that a policy reads back; what is longer is cut. By default the feedback rule's own (CIR: 400). */
  maxOutputChars: z.number().int().min(2).optional(),
  /** How much snippets may share on Pyodide; the jail always isolates each. */
  isolation: z.enum(["snippet", "rollout", "pooled"]).default("rollout"),
  /** Snippets that compute at the same time; by default by the number of cores. */
  lanes: z.number().int().min(1).max(256).optional(),
  /** Sessions that are open at the same time; more wait. By default 64, on Pyodide 8. */
  sessions: z.number().int().min(1).max(4096).optional(),
  /** Memory of a snippet's Python. MiB. */
  memoryMb: z.number().int().min(64).max(2048).default(256),
  /** Seed of Python's `random` (and numpy's and sympy's, where loaded), set anew for every snippet. */
  seed: z.number().int().min(0).max(0xffffffff).default(0),
  /**
   * `"real"`, or the time at which every snippet starts, in seconds since 1970: `time.time()`, `datetime.now()` and
   * their like then say the same on every run (each call takes 1 ms, `time.sleep` what it is asked for).
   */
  clock: z.union([z.literal("real"), z.number().min(0).max(253402300799)]).default("real"),
  /** Share of the last 200 snippets that may meet a failure of the interpreter before `stats().alarm` is set. */
  maxInfrastructureRate: z.number().min(0).max(1).default(0.05),
});

export type CheckedOptions = z.output<typeof interpreterOptions>;

/** Options of {@link PythonInterpreter.start}; all have defaults. */
export type PythonInterpreterOptions = z.input<typeof interpreterOptions>;

/** An engine that runs: its pool and what there is to say about it. */
export interface StartedEngine {
  engine: "jail" | "pyodide" | "quickjs";
  /** Version of the language's implementation. */
  version: string;
  /** What the engine is and how it isolates, for the description. */
  about: string;
  /** Profiles that the engine tells apart; a snippet of another one runs as `"bare"`. */
  profiles: readonly Profile[];
  /** Name and version of each package beyond the standard library. */
  packages: readonly string[];
  pool: Pool;
  /** Runs the probes that an interpreter must withstand. */
  selfTest(): Promise<SelfTestReport>;
}
