import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { bootstrapInterval, majorityAtK, passAtK, wilsonInterval } from "../../src/evaluation/statistics.ts";

const close = (a: number, b: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);

test("pass@k of 16 samples with 3 right", () => {
  const expected = { 1: 0.1875, 2: 0.35, 4: 1 - 715 / 1820, 8: 0.9, 16: 1 };
  for (const [k, value] of Object.entries(expected)) close(passAtK(16, 3, Number(k)), value);
});

test("pass@k equals the count over all subsets", () => {
  const n = 8;
  for (let c = 0; c <= n; c++) {
    for (let k = 1; k <= n; k++) {
      let hit = 0;
      let total = 0;
      for (let subset = 0; subset < 1 << n; subset++) {
        if (subset.toString(2).replaceAll("0", "").length !== k) continue;
        total++;
        if (subset & ((1 << c) - 1)) hit++;
      }
      close(passAtK(n, c, k), hit / total);
    }
  }
});

test("pass@k stays finite for many samples and refuses nonsense", () => {
  close(passAtK(1024, 1, 512), 0.5);
  assert.throws(() => passAtK(4, 1, 5), InvalidInputError);
  assert.throws(() => passAtK(4, 5, 1), InvalidInputError);
});

test("pass@k is exact up to 2048 samples: against whole numbers of any size", () => {
  const choose = (n: number, k: number): bigint => {
    let value = 1n;
    for (let i = 1; i <= k; i++) value = (value * BigInt(n - k + i)) / BigInt(i);
    return value;
  };
  const digits = 10n ** 40n;
  for (const n of [512, 1024, 2048])
    for (const c of [0, 1, 2, 17, n >> 1, n - 3, n])
      for (const k of [1, 2, 64, 500, n >> 1, n - 1, n].filter((one) => one <= n)) {
        const wrong = n - c < k ? 0n : (choose(n - c, k) * digits) / choose(n, k);
        const exact = 1 - Number(wrong) / Number(digits);
        close(passAtK(n, c, k), exact, 1e-12);
      }
});

const votes = (...keys: string[]) =>
  keys.map((key) => ({ key: key === "-" ? undefined : key, correct: key === "right" }));

test("majority votes: groups, ties, and samples without an answer", () => {
  assert.equal(majorityAtK(votes("right", "a", "right", "b"), 4), 1);
  assert.equal(majorityAtK(votes("right", "a"), 2), 0.5);
  assert.equal(majorityAtK(votes("right", "a", "a", "right"), 2), 0.5);
  assert.equal(majorityAtK(votes("-", "-", "right"), 3), 1);
  assert.equal(majorityAtK(votes("-", "-"), 2), 0);
  assert.equal(majorityAtK(votes("right", "a", "a"), 1), 1 / 3);
  assert.equal(majorityAtK(votes("right", "right", "a"), 2), 1);
});

test("Wilson's interval has its known values and never leaves [0, 1]", () => {
  const half = wilsonInterval(0.5, 100);
  close(half.low, 0.4038315, 1e-6);
  close(half.high, 0.5961685, 1e-6);
  const none = wilsonInterval(0, 10);
  close(none.low, 0);
  close(none.high, 0.2775328, 1e-6);
  assert.equal(wilsonInterval(1, 12).high, 1);
  assert.throws(() => wilsonInterval(0.5, 0), InvalidInputError);
});

test("the bootstrap interval is near the normal one for many values, and a point for equal values", () => {
  const stream = new RandomStream(1, "values");
  const values = Array.from({ length: 400 }, () => stream.normal());
  const { value, low, high } = bootstrapInterval(values, () => stream.next(), { rounds: 4000 });
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - value) ** 2, 0) / values.length);
  const half = (1.96 * deviation) / 20;
  assert.ok(Math.abs(value - low - half) < 0.12 * half && Math.abs(high - value - half) < 0.12 * half);
  assert.deepEqual(
    bootstrapInterval([3, 3, 3], () => stream.next()),
    { value: 3, low: 3, high: 3 },
  );
  assert.throws(() => bootstrapInterval([], () => 0), /at least one value/);
});
