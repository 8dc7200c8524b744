import assert from "node:assert/strict";
import { test } from "node:test";
import { advantageEstimator } from "../../src/training/advantages/index.ts";
import { scheduled, scheduleSchema } from "../../src/training/schedule.ts";

const close = (actual: number, expected: number, tolerance = 5e-5) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

/** Rewards, groups and response lengths of the official function's known answer (arXiv:2505.24480's code). */
const vector = {
  rewards: [1, -1, -1, -1, 1, 1, 1, -1, 1, 1, 1, 1],
  groups: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
  tokenCounts: [4, 2, 3, 3, 2, 2, 2, 6, 5, 1, 1, 1],
};

test("REINFORCE++-baseline gives the official function's answer", () => {
  const expected = [1.7917, -0.4135, -0.4135, -0.4135, 0.6891, 0.6891, 0.6891, -1.516, 0.1378, 0.1378, 0.1378, 0.1378];
  const advantages = advantageEstimator("reinforce++-baseline")(vector);
  expected.forEach((value, i) => {
    close(advantages[i]!, value);
  });
});

test("whitened advantages have mean 0 and variance 1 over tokens", () => {
  const advantages = advantageEstimator("reinforce++-baseline")(vector);
  const tokens = vector.tokenCounts.reduce((a, b) => a + b);
  const mean = vector.tokenCounts.reduce((sum, n, i) => sum + n * advantages[i]!, 0) / tokens;
  const variance = vector.tokenCounts.reduce((sum, n, i) => sum + n * (advantages[i]! - mean) ** 2, 0) / (tokens - 1);
  close(mean, 0, 1e-12);
  close(variance, 1, 1e-6);
});

test("GRPO divides by the group's unbiased deviation", () => {
  const advantages = advantageEstimator("grpo")(vector);
  close(advantages[0]!, 1.5);
  close(advantages[1]!, -0.5);
  assert.equal(advantages[8], 0);
});

test("groups are told apart by their number, not by their place", () => {
  const shuffled = advantageEstimator("grpo")({
    rewards: [1, 5, 0, 4],
    groups: [0, 1, 0, 1],
    tokenCounts: [1, 1, 1, 1],
  });
  close(shuffled[0]!, shuffled[1]!, 1e-5);
  close(shuffled[0]!, -shuffled[2]!, 1e-9);
});

test("an unknown estimator is refused by name", () => {
  assert.throws(() => advantageEstimator("gro"), /Unknown advantage estimator "gro".*reinforce\+\+-baseline/);
});

test("schedules: constant, steps, line", () => {
  assert.equal(scheduled(3, 1000), 3);
  const budget: [number, number][] = [
    [0, 2],
    [100, 3],
    [200, 4],
  ];
  assert.deepEqual(
    [0, 99, 100, 199, 200, 900].map((step) => scheduled(budget, step)),
    [2, 2, 3, 3, 4, 4],
  );
  assert.equal(scheduled({ linear: [1, 0], steps: 10 }, 5), 0.5);
  assert.equal(scheduled({ linear: [1, 0], steps: 10 }, 50), 0);
  assert.equal(scheduleSchema.safeParse([[5, 1]]).success, false);
  assert.equal(
    scheduleSchema.safeParse([
      [0, 1],
      [0, 2],
    ]).success,
    false,
  );
});
