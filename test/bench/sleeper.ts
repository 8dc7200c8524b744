import type { CodeInterpreter } from "../../src/interpreter/types.ts";
import { percentile, type Snippet } from "./callers.ts";
import { type BenchContext, type BenchTable, median } from "./measure.ts";

const rollouts = 64;
const sleepMs = 5000;

/** How long the others waited for a lane while 64 rollouts asked at once. Milliseconds. */
interface Waits {
  readonly median: number;
  readonly p99: number;
}

/**
 * The same 63 rollouts that ask for one snippet after the other, beside one that sleeps for 5 s and beside one that is
 * like them: what a slow snippet costs the others.
 */
export async function sleeperTable(
  context: BenchContext,
  interpreter: CodeInterpreter,
  snippet: (i: number) => Snippet,
): Promise<BenchTable> {
  const runs: Record<"beside" | "without", Waits[]> = { beside: [], without: [] };
  for (let round = 0; round < context.rounds; round++) {
    runs.beside.push(await waits(interpreter, snippet, true));
    runs.without.push(await waits(interpreter, snippet, false));
    context.say(`sleeper: round ${round + 1} of ${context.rounds}`);
  }
  const row = (what: string, key: keyof Waits) =>
    ({
      what,
      unit: "ms",
      ours: runs.beside.map((run) => run[key]),
      peer: runs.without.map((run) => run[key]),
    }) as const;
  return {
    title: `Wait of the others: ${rollouts} rollouts at once, one of them in a snippet that sleeps for ${sleepMs / 1000} s`,
    peer: { name: "the same without the sleeper" },
    rows: [row("from call to result, median", "median"), row("from call to result, 99th percentile", "p99")],
  };
}

async function waits(
  interpreter: CodeInterpreter,
  snippet: (i: number) => Snippet,
  withSleeper: boolean,
): Promise<Waits> {
  const times: number[] = [];
  const start = performance.now();
  let next = 0;
  const others = async (rolloutId: string) => {
    while (performance.now() - start < sleepMs) {
      const { code, stdout } = snippet(next++);
      const asked = performance.now();
      const result = await interpreter.run(code, { rolloutId });
      times.push(performance.now() - asked);
      if (result.stdout !== stdout) throw new Error(`${result.status}: ${result.stderr} ${code}`);
    }
  };
  const sleeper = async () => {
    const result = await interpreter.run(`import time\ntime.sleep(${sleepMs / 1000})`, {
      rolloutId: "sleeper",
      timeoutMs: 4 * sleepMs,
    });
    if (result.status !== "ok") throw new Error(`The sleeper ended with ${result.status}.`);
  };
  await Promise.all([
    withSleeper ? sleeper() : others("like the others"),
    ...Array.from({ length: rollouts - 1 }, (_, i) => others(String(i))),
  ]);
  return { median: median(times), p99: percentile(times, 0.99) };
}
