import type { HostTensor } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { buildGradients, parameterSpecs } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import { type Advantages, type Batch, toRows } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { lengthBucket, lossInputs } from "./optimizer.ts";
import { importanceLevelOf, stepObjective } from "./step-objective.ts";

/** What one rollout does to a step. */
export interface RolloutInfluence {
  /** Its place in the batch. */
  readonly rollout: number;
  readonly group: number;
  readonly sample: number;
  readonly reward: number;
  readonly advantage: number;
  /** Norm of its part of the gradient. */
  readonly gradNorm: number;
  /** Cosine of the angle between its part and the whole gradient. */
  readonly cosine: number;
  /** Its share in the descent, g_i · G / |G|²: the shares of a batch add up to 1; a negative one works against the rest. */
  readonly share: number;
}

/** The gradient of a batch's objective, and each rollout's part in it. Nothing of the policy has changed. */
export interface InfluenceReport {
  /** Global norm of the whole gradient, before clipping. */
  readonly gradNorm: number;
  /** The strongest influence first. */
  readonly rollouts: readonly RolloutInfluence[];
  /** The whole gradient by parameter name. */
  readonly gradient: Readonly<Record<string, Float32Array>>;
}

/**
 * The parts of a batch's gradient, rollout by rollout. The objective is taken over the whole batch at once, as with one
 * mini-batch.
 *
 * @param only rollouts to look at; the others enter nothing but the mean's number of tokens. Default: all.
 */
export async function rolloutInfluences(
  policy: Policy,
  config: StepConfig,
  batch: Batch,
  advantages: Advantages,
  random: () => number,
  only?: readonly number[],
): Promise<InfluenceReport> {
  const { rollouts } = batch;
  const longest = Math.max(...rollouts.map(({ trajectory }) => trajectory.length));
  const length = lengthBucket(longest, policy.config.maxLength);
  const laid = toRows(rollouts, advantages.perToken ?? Array.from(advantages.perRollout), {
    rows: rollouts.length,
    length,
    maskToolTokens: config.maskToolTokens,
    agentTokens: config.agentTokens,
    padId: policy.tokenizer.padId,
    importanceLevel: importanceLevelOf(config),
  });
  const objective = stepObjective(config);
  const inputs = objective.inputs(laid, { random });
  const trained = laid.mask.reduce((sum, value) => sum + value, 0);
  const graph = buildGradients(policy.config, { batchSize: 1, sequenceLength: length, loss: objective.loss });
  const program = await policy.engine.load(encode(graph));
  const specs = parameterSpecs(policy.config);
  const total: Record<string, Float32Array> = {};
  const empty: Record<string, HostTensor> = {};
  for (const { name, shape } of specs) {
    const size = shape.reduce((a, b) => a * b, 1);
    total[name] = new Float32Array(size);
    empty[`g.${name}`] = { dtype: "float32", shape, data: new Float32Array(size) };
  }
  const scalar = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
  const chosen = only ?? Array.from(rollouts.keys());
  const parts: Record<string, Float32Array>[] = [];
  try {
    for (const row of chosen) {
      const slice = <T extends Float32Array | Int32Array>(data: T): T =>
        data.subarray(row * length, (row + 1) * length) as T;
      const own = Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [name, typeof value === "number" ? value : slice(value)]),
      );
      const outputs = await program.run({
        inputs: {
          ...policy.parameters,
          ...empty,
          ...lossInputs(own),
          ids: { dtype: "int32", shape: [length], data: slice(laid.ids) },
          targets: { dtype: "int32", shape: [length], data: slice(laid.targets) },
          mask: { dtype: "float32", shape: [length], data: slice(laid.mask) },
          normalizer: scalar(1 / Math.max(1, trained)),
          inverseTemperature: scalar(1 / config.temperature),
          accumulate: scalar(0),
        },
        fetch: specs.map(({ name }) => `g2.${name}`),
      });
      const part = Object.fromEntries(specs.map(({ name }) => [name, outputs[`g2.${name}`]!.data as Float32Array]));
      for (const [name, data] of Object.entries(part)) {
        const sums = total[name]!;
        for (let i = 0; i < sums.length; i++) sums[i]! += data[i]!;
      }
      parts.push(part);
    }
  } finally {
    await program.dispose();
  }
  const norm = Math.sqrt(dot(total, total));
  const influences = chosen.map((rollout, i) => {
    const { group, sample, reward } = rollouts[rollout]!;
    const gradNorm = Math.sqrt(dot(parts[i]!, parts[i]!));
    const along = dot(parts[i]!, total);
    return {
      rollout,
      group,
      sample,
      reward: reward.reward,
      advantage: advantages.perRollout[rollout]!,
      gradNorm,
      cosine: gradNorm && norm ? along / (gradNorm * norm) : 0,
      share: norm ? along / norm ** 2 : 0,
    };
  });
  influences.sort((a, b) => Math.abs(b.share) - Math.abs(a.share) || a.rollout - b.rollout);
  return { gradNorm: norm, rollouts: influences, gradient: total };
}

function dot(a: Readonly<Record<string, Float32Array>>, b: Readonly<Record<string, Float32Array>>): number {
  let sum = 0;
  for (const [name, data] of Object.entries(a)) {
    const other = b[name]!;
    for (let i = 0; i < data.length; i++) sum += data[i]! * other[i]!;
  }
  return sum;
}
