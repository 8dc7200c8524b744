import type { CellOutcome } from "./wire.ts";

/** Runs a cell and adds to its outcome how long it took, also when it failed. */
export async function timed(
  run: () => Promise<CellOutcome>,
  outcomeOf: (error: unknown) => CellOutcome,
): Promise<CellOutcome> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const outcome = await run().catch(outcomeOf);
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { ...outcome, timing: { wallMs, userMs: user / 1000, systemMs: system / 1000 } };
}
