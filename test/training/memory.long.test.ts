import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Trainer } from "../../src/training/trainer.ts";

const steps = 2000;
const every = 50;

/** A policy that knows nothing yet is never right; lengths differ, so that every step has a gradient. */
const byLength: Reward = {
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};

/** Growth per step, in bytes, by least squares. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  values.forEach((value, i) => {
    above += (i - middle) * (value - mean);
    below += (i - middle) ** 2;
  });
  return above / below / every;
}

test(`${steps} recorded steps leave memory flat`, async (t) => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const folder = await mkdtemp(join(tmpdir(), "cirlab-memory-"));
  const lab = new Lab({ seed: 11, device: "cpu", threads: 2 });
  const python = await PythonInterpreter.start();
  try {
    const policy = await Policy.create("tiny-math", { lab });
    const taskset = tasks.arithmetic({ families: ["algebra"] });
    const small = { promptsPerStep: 2, numGenerations: 2, miniBatches: 1, maxLength: 40 };
    const parts = { lab, policy, interpreter: python, taskset, reward: byLength };
    const trainer = new Trainer({ ...recipes.cir(), ...small, ...parts });
    const heap: number[] = [];
    const resident: number[] = [];
    let count = 0;
    for await (const _ of trainer.train(steps, { record: folder })) {
      if (++count % every) continue;
      collectGarbage();
      const { heapUsed, external, rss } = process.memoryUsage();
      heap.push(heapUsed + external);
      resident.push(rss);
    }
    // Programs for every length that comes up are made in the first quarter.
    const settled = <T>(values: readonly T[]) => values.slice(values.length / 4);
    const [heapSlope, residentSlope] = [slope(settled(heap)), slope(settled(resident))];
    const kib = (bytes: number) => `${(bytes / 1024).toFixed(2)} KiB`;
    t.diagnostic(`growth per step: heap ${kib(heapSlope)}, resident ${kib(residentSlope)}`);
    // What a step itself is remembered by, its metrics for the panel and the report, takes about a kilobyte.
    assert.ok(heapSlope < 4 * 1024, `the heap grows by ${kib(heapSlope)} a step`);
    // The allocators' arenas grow by tens of megabytes at once, rarely; one tensor of logits lost a step would be 64 KiB.
    assert.ok(residentSlope < 48 * 1024, `the process grows by ${kib(residentSlope)} a step`);
    await trainer.close();
  } finally {
    await python.close();
    await rm(folder, { recursive: true, force: true });
  }
});
