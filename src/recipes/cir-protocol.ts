import { InvalidInputError } from "../base/errors.ts";
import type { EvaluateOptions } from "../evaluation/evaluate.ts";

/** CIR's benchmarks. OlymMATH is the easy English part, as the paper's scripts have it. */
export const cirBenchmarks = ["AIME24", "AIME25", "AMC23", "OlymMATH", "MATH500"] as const;
export type CirBenchmark = (typeof cirBenchmarks)[number];

/**
 * How arXiv:2505.24480 evaluates (its evaluation/run.py and scripts): 16 samples at temperature 1 and top-p 0.95, avg@16;
 * MATH500 greedily, once. The training's prompt, no chat template (Qwen2.5-Math), up to five executions. The paper allows
 * 16,384 tokens in each segment; here the limit is what the policy holds, unless `maxLength` is given beside it.
 *
 * @example
 * const aime = await tasks.load("AIME24.jsonl");
 * await lab.evaluate(policy, aime, { ...protocols.cir("AIME24"), interpreter: python });
 * @throws InvalidInputError for another benchmark.
 */
export function cirProtocol(benchmark: CirBenchmark = "AIME24"): Omit<EvaluateOptions, "interpreter"> {
  if (!cirBenchmarks.includes(benchmark))
    throw new InvalidInputError(
      `CIR was not evaluated on ${JSON.stringify(benchmark)}.`,
      `Its benchmarks: ${cirBenchmarks.join(", ")}.`,
    );
  const sampling =
    benchmark === "MATH500" ? { samples: 1, temperature: 0 } : { samples: 16, temperature: 1, topP: 0.95 };
  return { ...sampling, maxToolCalls: 5, promptFormat: "cir", name: benchmark };
}
