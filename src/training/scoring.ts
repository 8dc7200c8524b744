import type { HostTensor, Program } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { buildForward } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import { type MaskedRows, rowInputs } from "./optimizer.ts";

/** Log-probs of given rows under a policy: a reference's, or the sampler's own again. */
export class Scorer {
  readonly #policy: Policy;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Log-probs of the rows' targets, [rows * length]. */
  async logprobs(rows: Omit<MaskedRows, "mask">, temperature: number): Promise<Float32Array> {
    const program = await this.#program(rows);
    const outputs = await program.run({
      inputs: {
        ...this.#policy.parameters,
        ...rowInputs(rows),
        inverseTemperature: {
          dtype: "float32",
          shape: [],
          data: Float32Array.of(1 / temperature),
        } satisfies HostTensor,
      },
      fetch: ["logprobs"],
    });
    return outputs.logprobs!.data as Float32Array;
  }

  /** Frees the programs; the policy stays. */
  async close(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #program({ rows: batchSize, length: sequenceLength, packing }: Omit<MaskedRows, "mask">): Promise<Program> {
    const packed = packing !== undefined;
    const key = `${batchSize}x${sequenceLength}${packed ? " packed" : ""}`;
    let program = this.#programs.get(key);
    if (!program) {
      const graph = buildForward(this.#policy.config, { batchSize, sequenceLength, packed });
      program = this.#policy.engine.load(encode(graph));
      this.#programs.set(key, program);
    }
    return program;
  }
}
