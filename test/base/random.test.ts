import assert from "node:assert/strict";
import { test } from "node:test";
import { philox, RandomStream, uniformAt } from "../../src/base/random.ts";

test("philox4x32-10 gives the published known answers", () => {
  // Random123's kat_vectors.
  assert.deepEqual(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  assert.deepEqual(philox([ones, ones, ones, ones], [ones, ones]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  assert.deepEqual(
    philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
});

test("a stream resumes from its position", () => {
  const stream = new RandomStream(80, "tasks", 3);
  const whole = Array.from({ length: 20 }, () => stream.next());
  const resumed = new RandomStream(80, "tasks", 3);
  resumed.position = 12;
  assert.deepEqual(
    Array.from({ length: 8 }, () => resumed.next()),
    whole.slice(12),
  );
});

test("streams differ by seed, name and key", () => {
  const first = [
    uniformAt(1, "sampling", 0),
    uniformAt(2, "sampling", 0),
    uniformAt(1, "tasks", 0),
    uniformAt(1, "sampling", 0, 1),
    uniformAt(1, "sampling", 1),
  ];
  assert.equal(new Set(first).size, first.length);
});

test("uniform numbers are uniform and integers stay in their range", () => {
  const stream = new RandomStream(7, "check");
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[Math.floor(stream.next() * 10)]!++;
  // chi-square with 9 degrees of freedom: 27.9 is the 0.1 % point.
  assert.ok(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0) < 27.9);
  const dice = Array.from({ length: 500 }, () => stream.integer(1, 6));
  assert.deepEqual([...new Set(dice)].sort(), [1, 2, 3, 4, 5, 6]);
});

test("a shuffle is a permutation and leaves its input alone", () => {
  const items = Array.from({ length: 30 }, (_, i) => i);
  const shuffled = new RandomStream(1, "shuffle").shuffle(items);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual(
    [...shuffled].sort((a, b) => a - b),
    items,
  );
});
