import { InfrastructureError } from "../../src/base/errors.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { type BenchContext, type BenchRow, type BenchTable, interleave, median, seconds } from "./measure.ts";
import { benchPolicy, type Workload, workloads } from "./models.ts";
import { TorchPeer } from "./torch.ts";

/** Work that both sides do on the same weights. */
export interface Contest {
  readonly what: string;
  /** Tokens that one repetition counts for. */
  readonly tokens: number;
  /** Repetitions in a round, of which the median counts. */
  readonly repetitions: number;
  /** Ours, once; figures that the peer must find too. */
  run(): Promise<Record<string, number>>;
  /** The same work in the words of torch_peer.py. */
  readonly work: Readonly<Record<string, unknown>>;
}

const installTorch =
  "no Python with torch was found. Debian: apt-get install python3-torch libopenblas0-pthread (without the second, torch multiplies matrices with slow reference code); elsewhere pip install torch and --python PATH.";

/** Runs a contest on every workload. The first repetition must give the same figures on both sides. */
export async function compareWithTorch(
  context: BenchContext,
  title: string,
  open: (policy: Policy, workload: Workload) => Promise<Contest>,
): Promise<BenchTable[]> {
  const rows: BenchRow[] = [];
  let peer: BenchTable["peer"] = { missing: installTorch };
  for (const workload of workloads) {
    const policy = await benchPolicy(workload, context.threads);
    const { what, tokens, repetitions, run, work } = await open(policy, workload);
    const torch = await TorchPeer.start(context, policy, work);
    try {
      const figures = await run(); // also loads the program
      if (torch) expectSame(figures, (await torch.run(1)).check);
      const ours = async () => {
        const times: number[] = [];
        for (let i = 0; i < repetitions; i++) times.push(await seconds(run));
        return tokens / median(times);
      };
      if (!torch) {
        rows.push({ what, unit: "tokens/s", ...(await interleave(context, what, { ours })), peer: [] });
        continue;
      }
      peer = { name: torch.name };
      const theirs = async () => tokens / median((await torch.run(repetitions)).seconds);
      rows.push({ what, unit: "tokens/s", ...(await interleave(context, what, { ours, peer: theirs })) });
    } finally {
      torch?.close();
      await policy.engine.close();
    }
  }
  return [{ title: `${title}, ${context.threads} threads`, peer, rows }];
}

/** Refuses to compare different computations. */
function expectSame(ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(theirs))
    if (!(Math.abs(value - ours[name]!) <= 1e-4 * Math.max(1, Math.abs(value))))
      throw new InfrastructureError(
        `PyTorch computes ${name} as ${value} and we as ${ours[name]}: not the same model.`,
      );
}
