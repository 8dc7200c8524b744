import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { advantageInput } from "../../src/training/advantage-input.ts";
import {
  type AdvantageEstimatorName,
  advantageEstimators,
  estimateAdvantages,
} from "../../src/training/advantages/index.ts";
import type { AdvantageInput } from "../../src/training/advantages/types.ts";
import type { Batch } from "../../src/training/batch.ts";
import { checkedConfig } from "../../src/training/check-config.ts";
import { configAt } from "../../src/training/config.ts";
import { batchAdvantages } from "../../src/training/filters/advantages.ts";
import { sketchBatch } from "./batch-tools.ts";

const estimators = Object.keys(advantageEstimators) as AdvantageEstimatorName[];
const tokenizer = tinyMathTokenizer();
const code = "```python\nprint(1+1)\n```\n";

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, tolerance = 1e-12) => {
  assert.equal(actual.length, expected.length, what);
  Array.from(expected).forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `${what} ${i}: ${actual[i]} is not ${value}`);
  });
};

/** Four groups of five with everything that some estimator looks at. */
function everything(seed: number): AdvantageInput & Required<Pick<AdvantageInput, "trainedCounts">> {
  const stream = new RandomStream(seed, "advantages");
  const n = Array.from({ length: 20 }, (_, i) => i);
  const trainedCounts = n.map(() => stream.integer(2, 9));
  const perToken = (value: () => number) => trainedCounts.map((count) => Float64Array.from({ length: count }, value));
  return {
    rewards: n.map(() => stream.normal()),
    groups: n.map((i) => i % 4),
    tokenCounts: trainedCounts.map((count) => count + stream.integer(0, 20)),
    trainedCounts,
    tokenRewards: perToken(() => 0.1 * stream.normal()),
    values: perToken(() => stream.normal()),
    baselines: n.map(() => stream.normal()),
    turns: trainedCounts.map((count) =>
      Array.from({ length: count }, (_, i) => Math.min(1, Math.floor((2 * i) / count))),
    ),
    turnRewards: n.map(() => [
      { kind: "generation" as const, reward: stream.normal() },
      { kind: "verification" as const, reward: stream.normal() },
    ]),
    toolCalls: n.map(() => stream.integer(0, 4)),
    correct: n.map(() => stream.next() > 0.5),
    gamma: 0.99,
    lambda: 0.95,
  };
}

test("permuting rollouts permutes the advantages, token for token, of every estimator", () => {
  const input = everything(3);
  const order = new RandomStream(4, "order").shuffle(Array.from(input.rewards.keys()));
  const permuted = Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, Array.isArray(value) ? order.map((i) => value[i]) : value]),
  ) as unknown as AdvantageInput;
  for (const name of estimators) {
    const straight = estimateAdvantages(name, input);
    const shuffled = estimateAdvantages(name, permuted);
    assert.ok(straight.perRollout.some((value) => value !== 0));
    near(
      shuffled.perRollout,
      order.map((i) => straight.perRollout[i]!),
      name,
    );
    assert.equal(shuffled.perToken === undefined, straight.perToken === undefined);
    shuffled.perToken?.forEach((row, at) => {
      near(row, straight.perToken![order[at]!]!, `${name}, rollout ${at}, token`);
    });
  }
});

/** Rollouts with and without tools, each with what a critic, a reference and a greedy rollout would have said. */
function batchWith(feedback: string): Batch {
  const texts = [`${code}\\boxed{2}`, "\\boxed{3}", `${code}${code}\\boxed{2}`, "1+1=2", `${code}1`, "\\boxed{2}"];
  const batch = sketchBatch(
    tokenizer,
    texts.map((text, i) => ({ text, group: i % 2, reward: i % 3 ? 1 : -1, feedback, maxLength: 400 })),
  );
  const stream = new RandomStream(5, "said");
  const rollouts = batch.rollouts.map((rollout) => {
    const { trajectory } = rollout;
    const said = () => {
      const values = new Float32Array(trajectory.length).fill(7);
      trajectory.sources.forEach((source, i) => {
        if (source === "sampled") values[i] = stream.normal();
      });
      return values;
    };
    const turnRewards = Array.from({ length: trajectory.toolCalls.length + 1 }, (_, i) => ({
      kind: i % 2 ? ("verification" as const) : ("generation" as const),
      reward: i / 10,
    }));
    const reward = { ...rollout.reward, turnRewards };
    return { ...rollout, reward, values: said(), refLogprobs: said() };
  });
  const greedy = sketchBatch(tokenizer, [
    { text: "2", reward: 0.5 },
    { text: "2", group: 1, reward: -0.5 },
  ]).rollouts;
  return { ...batch, rollouts, greedy };
}

test("what tools answer, and how much of it, changes no advantage of any estimator", () => {
  const [short, long] = [batchWith("2"), batchWith("2 and then a great deal more of it 3456789")];
  assert.ok(short.rollouts[0]!.trajectory.length < long.rollouts[0]!.trajectory.length);
  for (const advantageEstimator of estimators)
    for (const klIn of ["loss", "reward"] as const) {
      const settings = { advantageEstimator, klIn, klCoef: 0.1, advantageTokens: "trainable", gamma: 0.95 };
      const config = configAt(checkedConfig(settings, 96), 0);
      const [one, other] = [batchAdvantages(short, config), batchAdvantages(long, config)];
      assert.deepEqual(other, one, `${advantageEstimator}, KL in ${klIn}`);
    }
});

test("CIR's own whitening counts tool tokens: that is the choice advantageTokens, and the only way in", () => {
  const advantages = (feedback: string, advantageTokens: string) =>
    batchAdvantages(batchWith(feedback), configAt(checkedConfig({ advantageTokens }, 96), 0)).perRollout;
  assert.notDeepEqual(advantages("2", "response"), advantages("2 and more", "response"));
  assert.deepEqual(advantages("2", "trainable"), advantages("2 and more", "trainable"));
});

// Expected values were computed with NumPy from k1 = d, k2 = d² / 2, k3 = exp(-d) + d - 1.
test("KL in the reward: each token's penalty, and the sum of a rollout's", () => {
  const batch = sketchBatch(tokenizer, [{ text: "1234", reward: 1 }]);
  const references = [-0.5, -0.7, -0.1, -1.3, -0.6];
  const rollouts = batch.rollouts.map((rollout) => {
    const { trajectory } = rollout;
    assert.equal(trajectory.sampledCount, 5);
    return {
      ...rollout,
      refLogprobs: Float32Array.from([...new Array(trajectory.promptLength).fill(0), ...references]),
    };
  });
  const penalties = {
    k1: [0, -0.04, 0.08, -0.16, -0.02],
    k2: [0, -0.004, -0.016, -0.064, -0.001],
    k3: [0, -0.003746150616, -0.018364939528, -0.049865792823, -0.000967483607],
  };
  for (const [klForm, expected] of Object.entries(penalties)) {
    const settings = { klForm, klCoef: 0.2, klIn: "reward", advantageEstimator: "reinforce", numGenerations: 1 };
    const config = configAt(checkedConfig(settings, 96), 0);
    const [advantage] = batchAdvantages({ ...batch, rollouts }, config).perRollout;
    near([advantage!], [1 + expected.reduce((sum, value) => sum + value, 0)], klForm, 1e-7);
    const { tokenRewards } = advantageInput({ ...batch, rollouts }, { ...config, advantageEstimator: "reinforce++" });
    near(tokenRewards![0]!, expected, klForm, 1e-7);
  }
});
