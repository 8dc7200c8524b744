import assert from "node:assert/strict";
import { test } from "node:test";
import { Run, type RunEvent, stepsOf, surplusCheckpoints, Timeline } from "../../src/recording/index.ts";
import { emptyFolder } from "./tools.ts";

const bytes = 100;
const list = (steps: number[], labels: Record<number, string> = {}) =>
  steps.map((step) => ({ step, bytes, ...(labels[step] && { label: labels[step] }) }));

test("retention: the last k, every nth, marked ones, the first; a cap takes the oldest first", () => {
  const steps = Array.from({ length: 21 }, (_, i) => i * 5); // 0, 5, ..., 100
  const kept = (rules: Parameters<typeof surplusCheckpoints>[1], labels = {}) => {
    const gone = surplusCheckpoints(list(steps, labels), rules);
    return steps.filter((step) => !gone.includes(step));
  };
  assert.deepEqual(kept({ keepLast: 3, keepEvery: 0, maxBytes: 1e9 }), [0, 90, 95, 100]);
  assert.deepEqual(kept({ keepLast: 2, keepEvery: 50, maxBytes: 1e9 }, { 15: "good" }), [0, 15, 50, 95, 100]);
  assert.deepEqual(kept({ keepLast: 3, keepEvery: 50, maxBytes: 400 }, { 15: "good" }), [0, 15, 95, 100]);
  assert.deepEqual(kept({ keepLast: 1, keepEvery: 0, maxBytes: 1 }), [0, 100]);
  assert.deepEqual(surplusCheckpoints(list([7]), { keepLast: 1, keepEvery: 0, maxBytes: 1 }), []);
  assert.deepEqual(surplusCheckpoints([], { keepLast: 1, keepEvery: 0, maxBytes: 1 }), []);
});

test("real files: what the rules do not keep is gone from the disk, marks stay, also those left behind", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const save = (step: number, label?: string) =>
    run.saveCheckpoint(step, { "model.safetensors": new Uint8Array(bytes).fill(step) }, label);
  const onDisk = async () => (await run.checkpoints.list()).map(({ step }) => step);
  const rules = { keepLast: 2, keepEvery: 0, maxBytes: 1e9 };
  for (const step of [0, 1, 2, 3, 4]) {
    await save(step, step === 2 ? "good" : undefined);
    await run.pruneCheckpoints(rules);
  }
  assert.deepEqual(await onDisk(), [0, 2, 3, 4]);
  run.append({ type: "step", step: 4, metrics: {} });
  // Back to 1 and on from there: 2 is marked, 3 and 4 lead nowhere any more.
  run.append({ type: "rewound", step: 1 });
  assert.deepEqual(
    (await run.validCheckpoints()).map(({ step }) => step),
    [0],
  );
  await save(5);
  await run.pruneCheckpoints(rules);
  assert.deepEqual(await onDisk(), [0, 2, 5]);
  // Another process reads the same from the events.
  const again = await Run.open(run.folder);
  assert.deepEqual(
    (await again.validCheckpoints()).map(({ step }) => step),
    [0, 5],
  );
  assert.equal((await again.checkpoints.read(5))["model.safetensors"]![0], 5);
});

test("a timeline holds the settings of each step, and forgets what was left behind", () => {
  const events: RunEvent[] = [
    { type: "run-started", step: 0, config: {} },
    { type: "step", step: 1, metrics: { reward: 1 } },
    { type: "config", step: 1, changes: { clipRatioHigh: 0.4 } },
    { type: "step", step: 2, metrics: { reward: 2 } },
    { type: "config", step: 2, changes: { clipRatioHigh: 0.5, topP: 0.9 } },
    { type: "step", step: 3, metrics: { reward: 3 } },
  ];
  const first = { clipRatioHigh: 0.28, topP: 1 };
  const timeline = Timeline.of(events);
  assert.deepEqual(
    [0, 1, 2].map((step) => timeline.settingsAt(first, step)),
    [first, { clipRatioHigh: 0.4, topP: 1 }, { clipRatioHigh: 0.5, topP: 0.9 }],
  );
  events.push({ type: "rewound", step: 1 }, { type: "step", step: 2, metrics: { reward: 20 } });
  const after = Timeline.of(events);
  assert.deepEqual(after.settingsAt(first, 2), { clipRatioHigh: 0.4, topP: 1 });
  assert.equal(after.step, 2);
  assert.deepEqual(
    stepsOf(events).map(({ step, metrics }) => [step, metrics.reward]),
    [
      [1, 1],
      [2, 20],
    ],
  );
});
