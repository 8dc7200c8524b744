import type { Check } from "./checks/index.ts";
import { start, type Target } from "./targets.ts";

/** What became of a check. */
export interface CheckResult {
  readonly name: string;
  /** Why the kernel failed it; undefined when it passed. */
  readonly problem: string | undefined;
  readonly ms: number;
}

type Started = Awaited<ReturnType<typeof start>>;

/** Longest time for one check, in milliseconds. */
const limitMs = 15_000;

/**
 * Runs checks one after the other. Kernels are shared until a check fails or wants one of its own; one that hangs is
 * ended.
 */
export async function runChecks(
  target: Target,
  checks: readonly Check[],
  told: (result: CheckResult) => void = () => undefined,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  let shared: Started | undefined;
  for (const check of checks) {
    const begin = performance.now();
    let used: Started | undefined;
    let problem: string | undefined;
    try {
      used = (check.alone ? undefined : shared) ?? (await start(target));
      if (!check.alone) shared = used;
      await within(limitMs, check.run(used.kernel, target.cells));
    } catch (error) {
      problem = (error as Error).message.replaceAll(/\s+/g, " ").slice(0, 300);
    }
    const result = { name: check.name, problem, ms: performance.now() - begin };
    results.push(result);
    told(result);
    if (check.alone || problem !== undefined) {
      await used?.kill();
      if (!check.alone) shared = undefined;
    }
  }
  await shared?.kill();
  return results;
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
