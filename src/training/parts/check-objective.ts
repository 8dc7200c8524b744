import { InvalidInputError } from "../../base/errors.ts";
import type { HostTensor } from "../../engine/types.ts";
import { encode, Graph, grad } from "../../graph/index.ts";
import type { Policy } from "../../policy/policy.ts";
import { type Batch, toRows } from "../batch.ts";
import type { StepConfig } from "../config.ts";
import { lengthBucket, lossInputs } from "../optimizer.ts";
import { importanceLevelOf, stepObjective } from "../step-objective.ts";
import { OwnObjective } from "./own-objective.ts";

/** Log-ratios at which the gradient must be finite: where a step begins, beyond every clip limit, and far away. */
const logRatios = [0, -0.5, 0.5, -3, 3];
const checked = new WeakSet<OwnObjective>();

/**
 * Looks at the gradient of an objective of the user's own on the tokens of a batch, once for each objective: with respect
 * to each token's log-prob it must be finite for positive and negative advantages, and somewhere it must not be 0.
 *
 * @throws InvalidInputError otherwise, naming the token. Nothing was trained then.
 */
export async function checkObjective(policy: Policy, config: StepConfig, batch: Batch): Promise<void> {
  const own = config.policyLoss;
  if (!(own instanceof OwnObjective) || checked.has(own)) return;
  const rollouts = batch.rollouts.slice(0, 4);
  const rows = rollouts.length;
  if (!rows) return;
  const longest = Math.max(...rollouts.map(({ trajectory }) => trajectory.length));
  const length = lengthBucket(longest, policy.config.maxLength);
  const N = rows * length;
  const { maskToolTokens, agentTokens } = config;
  const objective = stepObjective(config);
  const graph = new Graph(`gradient of ${own.name}`);
  const array = (name: string) => graph.input(name, [N]);
  const [logprobs, entropy, mask] = [array("logprobs"), array("entropy"), array("mask")];
  const layout = { batchSize: rows, sequenceLength: length };
  const { loss } = objective.loss({
    graph,
    logprobs,
    entropy,
    mask,
    normalizer: graph.input("normalizer", []),
    layout,
  });
  graph.output("gradient", grad(loss, [logprobs])[0]!);
  const program = await policy.engine.load(encode(graph));
  const tensor = (data: Float32Array): HostTensor => ({ dtype: "float32", shape: [N], data });
  let isAnything = false;
  try {
    for (const advantage of [1, -1]) {
      const laid = toRows(
        rollouts,
        rollouts.map(() => advantage),
        {
          rows,
          length,
          maskToolTokens,
          agentTokens,
          padId: policy.tokenizer.padId,
          importanceLevel: importanceLevelOf(config),
        },
      );
      const trained = laid.mask.reduce((sum, value) => sum + value, 0);
      if (!trained) return;
      for (const logRatio of logRatios) {
        const { gradient } = await program.run({
          inputs: {
            ...lossInputs(objective.inputs(laid, { random: () => 0.5 })),
            logprobs: tensor(laid.oldLogprobs.map((logprob) => logprob + logRatio)),
            entropy: tensor(new Float32Array(N).fill(1)),
            mask: tensor(laid.mask),
            normalizer: { dtype: "float32", shape: [], data: Float32Array.of(1 / trained) },
          },
          fetch: ["gradient"],
        });
        const values = gradient!.data as Float32Array;
        const bad = values.findIndex((value, i) => laid.mask[i] !== 0 && !Number.isFinite(value));
        if (bad >= 0)
          throw new InvalidInputError(
            `The objective ${JSON.stringify(own.name)} has the gradient ${values[bad]} at token ${(bad % length) + 1} of rollout ${rollouts[Math.floor(bad / length)]!.group}/${rollouts[Math.floor(bad / length)]!.sample}, with ratio ${Math.exp(logRatio).toFixed(2)} and advantage ${advantage}.`,
            "Nothing was trained. A quotient or a logarithm near 0 is the usual cause.",
          );
        isAnything ||= values.some((value) => value !== 0);
      }
    }
  } finally {
    await program.dispose();
  }
  if (!isAnything)
    throw new InvalidInputError(
      `The objective ${JSON.stringify(own.name)} has the gradient 0 at every token of the first batch, whatever the advantage.`,
      "Nothing was trained, and nothing would be learnt.",
    );
  checked.add(own);
}
