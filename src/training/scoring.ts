import type { HostTensor, Program } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { buildForward } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import type { MaskedRows } from "./optimizer.ts";

/** Log-probs of given rows under a policy: a reference's, or the sampler's own again. */
export class Scorer {
  readonly #policy: Policy;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Log-probs of the rows' targets, [rows * length]. */
  async logprobs(rows: Omit<MaskedRows, "mask">, temperature: number): Promise<Float32Array> {
    const program = await this.#program(rows.rows, rows.length);
    const shape = [rows.rows * rows.length];
    const outputs = await program.run({
      inputs: {
        ...this.#policy.parameters,
        ids: { dtype: "int32", shape, data: rows.ids },
        targets: { dtype: "int32", shape, data: rows.targets },
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

  #program(batchSize: number, sequenceLength: number): Promise<Program> {
    const key = `${batchSize}x${sequenceLength}`;
    let program = this.#programs.get(key);
    if (!program) {
      program = this.#policy.engine.load(encode(buildForward(this.#policy.config, { batchSize, sequenceLength })));
      this.#programs.set(key, program);
    }
    return program;
  }
}
