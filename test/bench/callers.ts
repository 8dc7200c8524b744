import { type BenchRow, median, type Unit } from "./measure.ts";

/** A program and what it prints. */
export interface Snippet {
  readonly code: string;
  readonly stdout: string;
}

/** Something that runs snippets, one for each call, several calls at once. */
export interface Runner {
  /** @returns what the snippet printed. */
  run(code: string, caller: number): Promise<string>;
  close(): Promise<void>;
}

/** What a few seconds of a runner came to. */
export interface Pace {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** The value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** A snippet runs this often at least, however long that takes. */
const fewest = 2;

/**
 * Some callers that each ask for one snippet after the other until the time is up; every answer is checked.
 *
 * @param ms how long callers start new snippets. Milliseconds.
 */
export async function pace(
  { run }: Runner,
  snippet: (i: number) => Snippet,
  callers: number,
  ms: number,
): Promise<Pace> {
  const waits: number[] = [];
  const start = performance.now();
  let next = 0;
  const caller = async (number: number) => {
    for (let own = 0; own < fewest || performance.now() - start < ms; own++) {
      const { code, stdout } = snippet(next++);
      const asked = performance.now();
      const printed = await run(code, number);
      waits.push(performance.now() - asked);
      if (printed !== stdout) throw new Error(`A snippet printed ${JSON.stringify(printed)}: ${code}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, i) => caller(i)));
  const took = (performance.now() - start) / 1000;
  return { perSecond: waits.length / took, p50: median(waits), p99: percentile(waits, 0.99) };
}

/** The rows of one contestant's paces, beside another's where there is one. */
export function paceRows(what: string, ours: readonly Pace[], peer: readonly Pace[] = []): BenchRow[] {
  const figures: [keyof Pace, string, Unit][] = [
    ["perSecond", what, "snippets/s"],
    ["p50", `${what}, median`, "ms"],
    ["p99", `${what}, 99th percentile`, "ms"],
  ];
  return figures.map(([key, name, unit]) => ({
    what: name,
    unit,
    ours: ours.map((one) => one[key]),
    peer: peer.map((one) => one[key]),
  }));
}
