import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { exportRun } from "../../src/interop/index.ts";
import type { RolloutSource } from "../../src/interop/rollouts.ts";
import { writeVerl } from "../../src/interop/verl.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Run } from "../../src/recording/index.ts";
import { messagesOf } from "../../src/rollout/messages.ts";
import { sketchBatch } from "../training/batch-tools.ts";
import { findPython, missing } from "./python.ts";

interface Read {
  scalars: Record<string, [step: number, value: number, wallTime: number][]>;
  texts: Record<string, [step: number, text: string][]>;
  plugins: Record<string, string>;
  tables: Record<string, unknown>[][];
}

/** Rollouts in words, of two tasks. */
const source: RolloutSource = {
  taskset: "sums",
  async *rollouts() {
    const texts = ["```python\nprint(1+1)\n```\n\\boxed{2}", "\\boxed{3}", "\\boxed{❄}", ""];
    const { rollouts } = sketchBatch(
      tinyMathTokenizer(),
      texts.map((text, i) => ({ text, group: Math.floor(i / 2), reward: i === 0 ? 1 : -0.1 })),
    );
    for (const { trajectory, task, ...rest } of rollouts) {
      const own = { ...task, prompt: `${task.id} "❄"?` };
      yield {
        ...rest,
        task: own,
        trajectory,
        step: 7,
        prompt: `<C>${own.prompt}`,
        completion: trajectory.text,
        turns: messagesOf(trajectory).slice(1),
      };
    }
  },
};

test("TensorBoard and Arrow read what was exported, value by value", { timeout: 180_000 }, async (t) => {
  const python = findPython("tensorboard", "pyarrow");
  if (!python) {
    t.skip(missing("tensorboard", "pyarrow"));
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "cirlab-exports-"));
  t.after(() => rm(folder, { recursive: true }));
  const run = await Run.create({ folder, seed: 7, config: { clipRatioHigh: 0.28, filters: ["a|b"] } });
  const values = [-1, 0.1, 1 / 3, 123456.789, 1e-9];
  const times: number[] = [];
  const take = (step: number, value: number) => {
    const { time } = run.append({ type: "step", step, metrics: { reward: value, "filtered.overlong": 0 } });
    times[step] = time / 1000;
  };
  for (const [i, value] of values.entries()) take(i + 1, value);
  run.append({ type: "rewound", step: 3 });
  take(4, 42);
  run.append({ type: "alert", step: 4, text: "entropy is 0", hint: "Look." });
  run.append({ type: "evaluation", step: 4, label: "held out", metrics: { accuracy: 0.25, none: Number.NaN } });
  await run.close();
  const tensorboard = await exportRun(run, { to: "tensorboard" });
  const files = await writeVerl(source, folder);
  const script = fileURLToPath(new URL("../../../test/conformance/read-exports.py", import.meta.url));
  const paths = files.map(({ name }) => join(folder, name));
  const { stdout } = await promisify(execFile)(python, [script, tensorboard.folder, ...paths]);
  // Python's JSON writes NaN.
  const read = JSON.parse(stdout.replaceAll("NaN", "null")) as Read;

  const kept = [...values.slice(0, 3), 42];
  assert.deepEqual(
    read.scalars["train/reward"],
    kept.map((value, i) => [i + 1, Math.fround(value), times[i + 1]]),
    "what was left behind is gone",
  );
  assert.equal(read.scalars["train/filtered.overlong"]!.length, 4);
  assert.equal(read.scalars["evaluation/held out/accuracy"]![0]![1], 0.25);
  assert.equal(read.scalars["evaluation/held out/none"]![0]![1], null);
  assert.deepEqual(read.texts.alerts, [[4, "entropy is 0\n\nLook."]]);
  assert.match(read.texts.settings![0]![1], /\| filters \| \["a\\\|b"\] \|/);
  assert.deepEqual(new Set(Object.values(read.plugins)), new Set(["text"]));

  const [taskRows, rolloutRows] = read.tables;
  assert.deepEqual(
    taskRows!.map(({ prompt, extra_info }) => [prompt, extra_info]),
    [0, 1].map((i) => [
      [{ role: "user", content: `<C>task-${i} "❄"?` }],
      { index: i, split: "train", task_id: `task-${i}`, question: `task-${i} "❄"?` },
    ]),
  );
  const expected = [];
  for await (const { task, prompt, completion, sample, group, reward, trajectory } of source.rollouts())
    expected.push({
      data_source: "sums",
      prompt: [{ role: "user", content: prompt }],
      ability: "test",
      reward_model: { style: "rule", ground_truth: "2" },
      extra_info: {
        index: expected.length,
        split: "train",
        task_id: task.id,
        question: task.prompt,
        step: 7,
        group,
        sample,
        response: completion,
        reward: reward.reward,
        correct: reward.correct,
        tool_calls: trajectory.toolCalls.length,
        stop_reason: "completed",
      },
    });
  assert.deepEqual(rolloutRows, expected);
});
