import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import {
  type AdvantageEstimatorChoice,
  advantageEstimators,
  estimateAdvantages,
} from "../../src/training/advantages/index.ts";
import { toolEfficiency } from "../../src/training/advantages/otc.ts";
import type { AdvantageInput } from "../../src/training/advantages/types.ts";

const near = (actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-4) => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `entry ${i}: ${actual[i]} is not ${value}`);
  });
};

/** Three prompts of four rollouts; token counts are the responses' lengths. */
const vector: AdvantageInput = {
  rewards: [1, -1, -1, -1, 1, 1, 1, -1, 1, 1, 1, 1],
  groups: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
  tokenCounts: [4, 2, 3, 3, 2, 2, 2, 6, 5, 1, 1, 1],
};

/** Three rollouts with rewards at their tokens and a critic. */
const tokens: AdvantageInput = {
  rewards: [1, -1, 0.5],
  groups: [0, 1, 2],
  tokenCounts: [3, 2, 4],
  trainedCounts: [3, 2, 4],
  tokenRewards: [
    [-0.1, 0.02, -0.3],
    [0.05, 0],
    [0, -0.2, 0.1, 0.3],
  ],
  values: [
    [0.2, -0.1, 0.4],
    [0, 0.3],
    [-0.5, 0.1, 0.2, 0.6],
  ],
  gamma: 0.9,
  lambda: 0.8,
};
const perRollout = (choice: AdvantageEstimatorChoice, input = vector) => estimateAdvantages(choice, input).perRollout;
const flat = (rows: readonly ArrayLike<number>[] | undefined) => rows!.flatMap((row) => Array.from(row));

test("REINFORCE++-baseline gives the official function's answer", () => {
  near(
    perRollout("reinforce++-baseline"),
    [1.7917, -0.4135, -0.4135, -0.4135, 0.6891, 0.6891, 0.6891, -1.516, 0.1378, 0.1378, 0.1378, 0.1378],
  );
});

// Expected values of the next tests were computed from the formulas with NumPy.
test("group estimators: GRPO, Dr. GRPO, RLOO, OPO", () => {
  const g = 1.4999985;
  const h = 0.4999995;
  near(perRollout("grpo"), [g, -h, -h, -h, h, h, h, -g, 0, 0, 0, 0], 1e-9);
  near(perRollout("dr-grpo"), [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5, 0, 0, 0, 0], 1e-12);
  const t = 2 / 3;
  near(perRollout("rloo"), [2, -t, -t, -t, t, t, t, -2, 0, 0, 0, 0], 1e-12);
  near(perRollout("opo"), [4 / 3, -t, -t, -t, 1, 1, 1, -1, 0, 0, 0, 0], 1e-12);
});

test("REINFORCE is the reward, ReMax the distance from the greedy rollout", () => {
  near(perRollout("reinforce"), [...vector.rewards], 0);
  const baselines = vector.groups.map((group) => [-1, 1, 0.5][group]!);
  near(perRollout("remax", { ...vector, baselines }), [2, 0, 0, 0, 0, 0, 0, -2, 0.5, 0.5, 0.5, 0.5], 1e-12);
});

test("REINFORCE++ discounts and whitens over tokens", () => {
  near(
    flat(estimateAdvantages("reinforce++", tokens).perToken),
    [
      0.275153898, 0.5102808048, 0.5815313826, -1.6272365293, -1.8409882627, 0.2740138888, 0.3506795105, 0.7525327693,
      0.7240325382,
    ],
    1e-8,
  );
});

test("GAE equals its definition as a sum of discounted errors; returns are raw advantages plus values", () => {
  const { perToken, returns } = estimateAdvantages("gae", tokens);
  near(
    flat(perToken),
    [
      -0.0134708494, 0.8526985037, 0.2662481825, -1.0902884189, -2.1032480645, 1.0161131818, 0.2669590314, 0.6868337664,
      0.1181546671,
    ],
    1e-8,
  );
  near(flat(returns), [0.31112, 0.596, 0.7, -0.616, -1, 0.3063456, 0.40048, 0.784, 0.8], 1e-12);
});

test("GAE with lambda and gamma 1 is the return minus the value", () => {
  const { returns } = estimateAdvantages("gae", { ...tokens, gamma: 1, lambda: 1 });
  near(returns![0]!, [0.62, 0.72, 0.7], 1e-12);
});

test("TAPO: a turn's reward stays in its turn; a generation's also reaches the verification before it", () => {
  const { returns, perToken } = estimateAdvantages("tapo", {
    rewards: [6],
    groups: [0],
    tokenCounts: [6],
    trainedCounts: [6],
    values: [[1, 1, 2, 2, 3, 3]],
    turns: [[0, 0, 1, 1, 2, 2]],
    turnRewards: [
      [
        { kind: "generation", reward: 0.25 },
        { kind: "verification", reward: 0.5 },
        { kind: "generation", reward: 0.75 },
      ],
    ],
  });
  near(returns![0]!, [6.25, 6.25, 7.25, 7.25, 6.75, 6.75], 1e-12);
  near(perToken![0]!, [5.25, 5.25, 5.25, 5.25, 3.75, 3.75], 1e-12);
});

test("OTC: the published coefficients, and fewer calls are worth more among right answers", () => {
  const row = (fewest: number) => [0, 1, 2, 3, 4, 5, 6].map((calls) => toolEfficiency(calls, fewest));
  near(row(0), [1, 0.5, 0.309, 0.2225, 0.1736, 0.1423, 0.1205], 1e-4);
  near(row(1), [0, 1, 0.866, Math.SQRT1_2, 0.5878, 0.5, 0.4339], 1e-4);
  near(row(2), [0, 0.866, 1, 0.9511, 0.866, 0.7818, Math.SQRT1_2], 1e-4);
  near(row(3), [0, Math.SQRT1_2, 0.9511, 1, 0.9749, 0.9239, 0.866], 1e-4);
  const advantages = perRollout("otc-grpo", {
    rewards: [1, 1, 1, 0],
    groups: [0, 0, 0, 0],
    tokenCounts: [1, 1, 1, 1],
    toolCalls: [1, 2, 4, 0],
    correct: [true, true, true, false],
  });
  assert.ok(advantages[0]! > advantages[1]! && advantages[1]! > advantages[2]! && advantages[2]! > advantages[3]!);
});

test("explicit choices reach the named estimators", () => {
  const same = (choice: AdvantageEstimatorChoice, name: AdvantageEstimatorChoice) =>
    near(perRollout(choice), Array.from(perRollout(name)), 1e-12);
  same({ baseline: "group", scale: "group" }, "grpo");
  same({ baseline: "group", scale: "none" }, "dr-grpo");
  same({ baseline: "leave-one-out", scale: "none" }, "rloo");
  same({ baseline: "none", scale: "none" }, "reinforce");
  same({ baseline: "group", scale: "batch", count: "tokens" }, "reinforce++-baseline");
});

test("whitened advantages have mean 0 and variance 1 over tokens", () => {
  const advantages = perRollout("reinforce++-baseline");
  const total = vector.tokenCounts.reduce((a, b) => a + b);
  const mean = vector.tokenCounts.reduce((sum, n, i) => sum + n * advantages[i]!, 0) / total;
  const variance = vector.tokenCounts.reduce((sum, n, i) => sum + n * (advantages[i]! - mean) ** 2, 0) / (total - 1);
  near([mean, variance], [0, 1], 1e-6);
});

const groupwise = ["grpo", "dr-grpo", "rloo", "opo", "reinforce++-baseline", "reinforce"] as const;

/** Four groups of five with random rewards and lengths. */
function random(seed: number): AdvantageInput {
  const stream = new RandomStream(seed, "advantages");
  const n = Array.from({ length: 20 }, (_, i) => i);
  return {
    rewards: n.map(() => stream.normal()),
    groups: n.map((i) => i % 4),
    tokenCounts: n.map(() => stream.integer(1, 30)),
  };
}

test("permuting rollouts permutes their advantages", () => {
  for (const name of groupwise) {
    const input = random(3);
    const order = new RandomStream(4, "order").shuffle(Array.from(input.rewards.keys()));
    const permuted = perRollout(name, {
      rewards: order.map((i) => input.rewards[i]!),
      groups: order.map((i) => input.groups[i]!),
      tokenCounts: order.map((i) => input.tokenCounts[i]!),
    });
    const straight = perRollout(name, input);
    near(
      permuted,
      order.map((i) => straight[i]!),
      1e-12,
    );
  }
});

test("a constant added to a group's rewards changes nothing where a group is its own baseline", () => {
  for (const name of ["grpo", "dr-grpo", "rloo", "opo", "reinforce++-baseline"] as const) {
    const input = random(5);
    const shifted = { ...input, rewards: input.rewards.map((reward, i) => reward + 10 * input.groups[i]!) };
    near(perRollout(name, shifted), Array.from(perRollout(name, input)), 1e-9);
  }
});

test("scaling rewards scales plain estimators and leaves those that divide by a deviation", () => {
  const input = random(6);
  const scaled = { ...input, rewards: input.rewards.map((reward) => 7 * reward) };
  for (const name of ["dr-grpo", "rloo", "opo", "reinforce"] as const)
    near(
      perRollout(name, scaled),
      Array.from(perRollout(name, input), (value) => 7 * value),
      1e-9,
    );
  for (const name of ["grpo", "reinforce++-baseline"] as const)
    near(perRollout(name, scaled), Array.from(perRollout(name, input)), 1e-4);
});

test("what does not fit is refused, and the message says what and which", () => {
  const refuses = (choice: unknown, input: AdvantageInput, pattern: RegExp) =>
    assert.throws(
      () => estimateAdvantages(choice as AdvantageEstimatorChoice, input),
      (error) => {
        assert.ok(error instanceof InvalidInputError, String(error));
        assert.match(`${error.message} ${error.hint ?? ""}`, pattern);
        return true;
      },
    );
  const single = { rewards: [1, 0], groups: [0, 1], tokenCounts: [1, 1] };
  for (const name of ["grpo", "dr-grpo", "rloo", "opo", "reinforce++-baseline"])
    refuses(name, single, new RegExp(`${name.replaceAll("+", "\\+")}.*no prompt has more than 1.*numGenerations`));
  refuses("gae", { ...single, trainedCounts: [1, 1] }, /gae needs a critic's values/);
  refuses("remax", vector, /remax needs the rewards of greedy rollouts/);
  refuses("grpo", { ...vector, rewards: vector.rewards.with(5, Number.NaN) }, /reward of rollout 5 is NaN/);
  refuses("reinforce", { rewards: [], groups: [], tokenCounts: [] }, /the batch is empty/);
  refuses("gro", vector, /"gro".*grpo/);
  refuses({ baseline: "mean" }, vector, /baseline.*"mean"/);
  assert.equal(Object.keys(advantageEstimators).length, 11);
});
