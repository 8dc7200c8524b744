import { execFileSync } from "node:child_process";

/** How a figure is counted: whether more of it is better. */
export type Unit = "tokens/s" | "snippets/s" | "messages/s" | "ms" | "µs" | "MiB" | "lines" | "frames/s" | "steps";

/** One line of a table: what was measured, ours and the peer's, a value for each round. */
export interface BenchRow {
  readonly what: string;
  readonly unit: Unit;
  readonly ours: readonly number[];
  /** Taken in the same rounds as ours, one after the other; empty where the peer has nothing to compare. */
  readonly peer: readonly number[];
}

/** Rows against one peer. */
export interface BenchTable {
  readonly title: string;
  /** The peer and its version; or why it is missing and how to install it. */
  readonly peer: { readonly name: string } | { readonly missing: string };
  readonly rows: readonly BenchRow[];
  /** What could not be measured here, and why. */
  readonly notes?: readonly string[];
}

/** What a benchmark gets from the command line. */
export interface BenchContext {
  readonly rounds: number;
  /** Computing threads, ours and the peers'. */
  readonly threads: number;
  /** A Python that has all these modules, as a path; undefined where none was found. */
  python(...modules: string[]): string | undefined;
  say(text: string): void;
}

/** What a line of Python prints. */
export function askPython(program: string, code: string): string {
  return execFileSync(program, ["-c", code], { encoding: "utf8" }).trim();
}

/** A benchmark file exports its `bench`. */
export type Bench = (context: BenchContext) => Promise<BenchTable[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How many times better ours is, round by round: above 1 we are faster, or need less. */
export function ratios({ unit, ours, peer }: BenchRow): number[] {
  return peer.map((value, i) => (unit.endsWith("/s") ? ours[i]! / value : value / ours[i]!));
}

/** Measures each contestant once a round, in turn, so that a busy moment of the machine meets all of them. */
export async function interleave<Name extends string>(
  { rounds, say }: BenchContext,
  what: string,
  contestants: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) values[name].push(await contestants[name]());
    say(`${what}: round ${round + 1} of ${rounds}`);
  }
  return values;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
