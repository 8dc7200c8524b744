import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { configAt, trainerConfigSchema } from "../../src/training/config.ts";
import { scheduled, scheduleOf } from "../../src/training/schedule.ts";

const budget: [number, number][] = [
  [0, 2],
  [100, 3],
  [200, 4],
];

test("constant, steps, line, cosine", () => {
  assert.equal(scheduled(3, 1000), 3);
  assert.deepEqual(
    [0, 99, 100, 199, 200, 900].map((step) => scheduled(budget, step)),
    [2, 2, 3, 3, 4, 4],
  );
  assert.equal(scheduled({ linear: [1, 0], steps: 10 }, 5), 0.5);
  assert.equal(scheduled({ linear: [1, 0], steps: 10 }, 50), 0);
  const cosine = { cosine: [1, 0.2], steps: 8 } as const;
  assert.deepEqual(
    [0, 4, 8, 100].map((step) => Number(scheduled(cosine, step).toFixed(12))),
    [1, 0.6, 0.2, 0.2],
  );
});

test("straight lines from point to point; what counts things is rounded", () => {
  const lines = {
    piecewise: [
      [0, 1],
      [10, 0.5],
      [20, 0.5],
      [24, 0.1],
    ],
  } as const;
  assert.deepEqual(
    [0, 5, 10, 15, 22, 24, 900].map((step) => Number(scheduled(lines, step).toFixed(12))),
    [1, 0.75, 0.5, 0.5, 0.3, 0.1, 0.1],
  );
  const config = trainerConfigSchema.parse({
    maxToolCalls: {
      piecewise: [
        [0, 2],
        [10, 4],
      ],
    },
  });
  assert.deepEqual(
    [0, 2, 3, 7, 8, 10].map((step) => configAt(config, step).maxToolCalls),
    [2, 2, 3, 3, 4, 4],
  );
});

test("a schedule that starts late, goes back in time or holds a forbidden value is refused", () => {
  const schema = scheduleOf(z.number().positive());
  for (const bad of [
    [[5, 1]],
    [
      [0, 1],
      [0, 2],
    ],
    [
      [0, 1],
      [9, 2],
      [3, 4],
    ],
    [[0, -1]],
    { linear: [1, -1], steps: 3 },
    { piecewise: [[0, 1]] },
    {
      piecewise: [
        [0, 1],
        [5, 2],
        [4, 3],
      ],
    },
    {
      piecewise: [
        [1, 1],
        [5, 2],
      ],
    },
    {
      piecewise: [
        [0, 1],
        [5, -2],
      ],
    },
    -2,
  ])
    assert.equal(schema.safeParse(bad).success, false, JSON.stringify(bad));
  for (const good of [
    budget,
    { linear: [1, 2], steps: 3 },
    { cosine: [1, 2], steps: 3 },
    {
      piecewise: [
        [0, 1],
        [5, 2],
      ],
    },
    4,
  ])
    assert.equal(schema.safeParse(good).success, true, JSON.stringify(good));
});

test("a configuration at a step has numbers only, and the warm-up in the learning rate", () => {
  const config = trainerConfigSchema.parse({
    maxToolCalls: budget,
    clipRatioHigh: { linear: [0.2, 0.4], steps: 100 },
    learningRate: 1e-3,
    warmupSteps: 4,
  });
  assert.equal(configAt(config, 150).maxToolCalls, 3);
  assert.ok(Math.abs(configAt(config, 50).clipRatioHigh - 0.3) < 1e-12);
  assert.deepEqual(
    [0, 1, 3, 10].map((step) => configAt(config, step).learningRate),
    [0.25e-3, 0.5e-3, 1e-3, 1e-3],
  );
});
