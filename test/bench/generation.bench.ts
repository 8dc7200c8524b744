import { RandomStream, uniformAt } from "../../src/base/random.ts";
import { BatchDecoder } from "../../src/policy/decoder.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { sampleToken } from "../../src/policy/sampling.ts";
import type { Bench } from "./measure.ts";
import { compareWithTorch } from "./torch-contest.ts";

const sampling = { temperature: 1, topP: 1 };

/** Prompt, then sampling with the log-prob and entropy of every token. Tokens are the new ones. */
export const bench: Bench = (context) =>
  compareWithTorch(context, "Generation", async (policy, { name, config, generation }) => {
    const { rows, prompt, newTokens } = generation;
    const stream = new RandomStream(80, "prompts");
    const token = () => stream.integer(0, config.vocabSize - 1);
    const prompts = Array.from({ length: rows }, () => Array.from({ length: prompt }, token));
    return {
      what: `${name}, ${rows} x (${prompt} + ${newTokens})`,
      tokens: rows * newTokens,
      repetitions: 2,
      run: async () => ({ entropy: await generate(policy, prompts, newTokens) }),
      work: { kind: "generation", prompts, newTokens },
    };
  });

/**
 * Generates as a collection of rollouts does.
 *
 * @returns the mean entropy, over the prompts, of what may follow them.
 */
async function generate(policy: Policy, prompts: readonly number[][], newTokens: number): Promise<number> {
  const decoder = await BatchDecoder.start(policy, prompts.length);
  const sequences = prompts.map((prompt) => ({ sequence: decoder.add(), prompt }));
  const fed = (position: number) =>
    sequences.map(({ sequence, prompt }) => ({ sequence, token: prompt.at(position)! }));
  const logprobs = new Float32Array(prompts.length * newTokens);
  const entropies = new Float32Array(prompts.length * newTokens);
  for (let position = 0; position + 1 < prompts[0]!.length; position++) await decoder.step(fed(position));
  let feeds = fed(-1);
  for (let i = 0; i < newTokens; i++) {
    const next = await decoder.step(feeds);
    feeds = sequences.map(({ sequence }, row) => {
      const distribution = next.logprobs(row);
      const token = sampleToken(distribution, uniformAt(80, "sampling", row, i), sampling);
      logprobs[row * newTokens + i] = distribution[token]!;
      entropies[row * newTokens + i] = next.entropy(row);
      return { sequence, token };
    });
  }
  await decoder.close();
  return prompts.reduce((sum, _, row) => sum + entropies[row * newTokens]!, 0) / prompts.length;
}
