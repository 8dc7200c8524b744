import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { InfrastructureError } from "../../src/base/errors.ts";
import { parameterSpecs } from "../../src/nn/index.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { BenchContext } from "./measure.ts";

/** What the peer says after a run. */
export interface TorchRun {
  /** Time of each repetition. */
  readonly seconds: readonly number[];
  /** Figures of the first repetition, to be compared with ours. */
  readonly check: Readonly<Record<string, number>>;
}

/** PyTorch in a process of its own, with a policy's model and weights. */
export class TorchPeer {
  /** Version and matrix library. */
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, child: ChildProcess, lines: AsyncIterator<string>) {
    this.name = name;
    this.#child = child;
    this.#lines = lines;
  }

  /**
   * @param work what it will run, as torch_peer.py takes it.
   * @returns undefined where no Python here has torch.
   */
  static async start(
    { python, threads }: BenchContext,
    policy: Policy,
    work: Readonly<Record<string, unknown>>,
  ): Promise<TorchPeer | undefined> {
    const program = python("torch");
    if (!program) return undefined;
    const script = fileURLToPath(new URL("./torch_peer.py", import.meta.url));
    const count = String(threads);
    const child = spawn(program, [script], {
      stdio: ["pipe", "pipe", "inherit"],
      // Passive: threads that spin while they wait would fight with the other processes of a small machine.
      env: { ...process.env, OMP_WAIT_POLICY: "passive", OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count },
    });
    child.stdin!.on("error", () => undefined); // a dead peer shows as a missing answer
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const folder = await mkdtemp(join(tmpdir(), "cirlab-bench-"));
    try {
      const weights = await policy.weights();
      const file = join(folder, "weights");
      const parameters = parameterSpecs(policy.config).map(({ name, shape, decay }) => ({ name, shape, decay }));
      await writeFile(file, Buffer.concat(parameters.map(({ name }) => Buffer.from(weights[name]!.buffer))));
      const request = { ...work, config: policy.config, parameters, weights: file, threads };
      child.stdin!.write(`${JSON.stringify(request)}\n`);
      const { name } = await answer<{ name: string }>(lines);
      return new TorchPeer(name, child, lines);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async run(repetitions: number): Promise<TorchRun> {
    this.#child.stdin!.write(`${repetitions}\n`);
    return answer<TorchRun>(this.#lines);
  }

  /** Ends the process. */
  close(): void {
    this.#child.stdin!.end();
  }
}

async function answer<T>(lines: AsyncIterator<string>): Promise<T> {
  const line = await lines.next();
  if (line.done) throw new InfrastructureError("The PyTorch process ended; its message stands above.");
  return JSON.parse(line.value) as T;
}
