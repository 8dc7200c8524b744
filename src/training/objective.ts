import type { HostTensor } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { buildObjective } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import type { TokenSource } from "../rollout/trajectory.ts";
import { type Advantages, type Batch, toRows } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { lengthBucket, lossInputs, rowInputs } from "./optimizer.ts";
import { importanceLevelOf, stepObjective } from "./step-objective.ts";

/** What the objective says of one token. */
export interface TokenTerm {
  /** Which rollout of the batch, and which of its tokens. */
  readonly rollout: number;
  readonly token: number;
  readonly text: string;
  readonly source: TokenSource;
  /** When it was sampled, and now. */
  readonly oldLogprob: number;
  readonly logprob: number;
  /** Under the reference policy, where one is kept. */
  readonly refLogprob?: number;
  /** The ratio that the loss works with: the token's own, or its sequence's (GSPO). */
  readonly ratio: number;
  /** The critic's value before the token as scored, and what it should have been, where there is a critic. */
  readonly value?: number;
  readonly return?: number;
  readonly advantage: number;
  /** The clipped term won. */
  readonly clipped: boolean;
  /** Its term of the loss, before the mean. */
  readonly lossTerm: number;
}

/** An objective opened up: nothing of the policy has changed. */
export interface ObjectiveReport {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** One entry per trained token, rollout after rollout. */
  readonly tokens: readonly TokenTerm[];
}

/** Runs the objective's forward pass over a whole batch. */
export async function objectiveTerms(
  policy: Policy,
  config: StepConfig,
  batch: Batch,
  advantages: Advantages,
  random: () => number,
): Promise<ObjectiveReport> {
  const rows = batch.rollouts.length;
  const longest = Math.max(...batch.rollouts.map(({ trajectory }) => trajectory.length));
  const length = lengthBucket(longest, policy.config.maxLength);
  const { maskToolTokens, agentTokens, temperature } = config;
  const padId = policy.tokenizer.padId;
  const laid = toRows(batch.rollouts, advantages.perToken ?? Array.from(advantages.perRollout), {
    rows,
    length,
    maskToolTokens,
    agentTokens,
    padId,
    importanceLevel: importanceLevelOf(config),
  });
  const N = rows * length;
  const objective = stepObjective(config);
  const graph = buildObjective(policy.config, { batchSize: rows, sequenceLength: length, loss: objective.loss });
  const program = await policy.engine.load(encode(graph));
  try {
    const scalar = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
    const trained = laid.mask.reduce((sum, value) => sum + value, 0);
    const fetch = program.graph.outputs.map(({ name }) => name);
    const outputs = await program.run({
      inputs: {
        ...policy.parameters,
        ...lossInputs(objective.inputs(laid, { random })),
        ...rowInputs(laid),
        mask: { dtype: "float32", shape: [N], data: laid.mask },
        normalizer: scalar(1 / Math.max(1, trained)),
        inverseTemperature: scalar(1 / temperature),
      },
      fetch,
    });
    const metrics: Record<string, number> = {};
    for (const [name, { shape, data }] of Object.entries(outputs)) if (!shape.length) metrics[name] = Number(data[0]);
    const perToken = (name: string) => outputs[name]!.data as Float32Array;
    const tokens: TokenTerm[] = [];
    batch.rollouts.forEach(({ trajectory, refLogprobs, values }, rollout) => {
      const returns = advantages.returns?.[rollout];
      let trainedBefore = 0;
      for (let token = 1; token < Math.min(trajectory.length, length + 1); token++) {
        const i = rollout * length + token - 1;
        if (!laid.mask[i]) continue;
        tokens.push({
          rollout,
          token,
          text: trajectory.tokenizer.tokenText(trajectory.ids[token]!),
          source: trajectory.sources[token]!,
          oldLogprob: laid.oldLogprobs[i]!,
          logprob: perToken("logprob")[i]!,
          ...(refLogprobs && { refLogprob: laid.refLogprobs[i]! }),
          ratio: perToken("ratio")[i]!,
          ...(values && { value: values[token]! }),
          ...(returns && { return: returns[trainedBefore]! }),
          advantage: laid.advantages[i]!,
          clipped: perToken("clipped")[i]! > 0,
          lossTerm: perToken("lossTerm")[i]!,
        });
        trainedBefore++;
      }
    });
    return { loss: metrics.loss!, metrics, tokens };
  } finally {
    await program.dispose();
  }
}
