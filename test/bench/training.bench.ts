import { RandomStream } from "../../src/base/random.ts";
import { composeObjective } from "../../src/training/objectives/compose.ts";
import { ppoClip } from "../../src/training/objectives/ppo-clip.ts";
import { PolicyOptimizer } from "../../src/training/optimizer.ts";
import type { Bench } from "./measure.ts";
import type { Workload } from "./models.ts";
import { compareWithTorch } from "./torch-contest.ts";

const adamw = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
const settings = { learningRate: 1e-4, weightDecay: 0.01, maxGradNorm: 1 };
const clipping = { clipRatioLow: 0.2, clipRatioHigh: 0.28, clipRatioDual: 3 };
const objective = { name: "ppo-clip", loss: composeObjective({ loss: ppoClip, entropyBonus: false, weighted: false }) };
const anyRatio = 1e30;

/** Whole updates: forward, PPO clip, backward, gradient-norm clip, AdamW. Tokens are those of the rows, as laid out. */
export const bench: Bench = (context) =>
  compareWithTorch(context, "Training step", async (policy, workload) => {
    const { rows, length } = workload.training;
    const optimizer = await PolicyOptimizer.create(policy, adamw);
    const { ids, targets, mask, advantages, oldLogprobs } = randomBatch(workload);
    const inputs = { advantages, oldLogprobs, ...clipping, maxRatioDeviation: anyRatio };
    const lists = Object.fromEntries(
      Object.entries({ ids, targets, mask, advantages, oldLogprobs }).map(([name, data]) => [name, Array.from(data)]),
    );
    return {
      what: `${workload.name}, ${rows} x ${length}`,
      tokens: rows * length,
      repetitions: 2,
      run: () =>
        optimizer.step({ rows, length, ids, targets, mask }, { ...settings, objective, inputs, temperature: 1 }),
      work: { kind: "training", rows, length, batch: lists, settings: { ...adamw, ...settings, ...clipping } },
    };
  });

/** Random tokens after a prompt of a quarter of the row. */
function randomBatch({ config, training: { rows, length } }: Workload) {
  const stream = new RandomStream(80, "batch");
  const uniform = -Math.log(config.vocabSize);
  const ids = Int32Array.from({ length: rows * length }, () => stream.integer(0, config.vocabSize - 1));
  return {
    ids,
    targets: ids.map((_, i) => ids[i + 1] ?? 0),
    mask: Float32Array.from(ids, (_, i) => (i % length >= length / 4 && i % length < length - 1 ? 1 : 0)),
    advantages: Float32Array.from(ids, () => stream.normal()),
    oldLogprobs: Float32Array.from(ids, () => uniform + 0.2 * stream.normal()),
  };
}
