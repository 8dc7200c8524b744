import assert from "node:assert/strict";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Comparison } from "../../src/training/comparison.ts";
import { trainerConfigSchema } from "../../src/training/config.ts";
import { Trainer } from "../../src/training/trainer.ts";

const lab = new Lab({ seed: 5, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ isolation: "pooled" });
const policy = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra"] });
after(() => python.close());

const reward: Reward = {
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};
const small = { promptsPerStep: 2, numGenerations: 4, miniBatches: 1, maxLength: 48, warmupSteps: 0 };
const base = { ...recipes.cir(), ...small, policy, interpreter: python, taskset, reward };

test("arms start from the same weights, tasks and noise, and differ by what they change; the control is a plain run", async () => {
  const before = await policy.weights();
  const comparison = await lab.compare({
    base,
    vary: { learningRate: [5e-3], "other estimator": { advantageEstimator: "dr-grpo" } },
    steps: 3,
    seeds: [5, 6],
  });
  assert.deepEqual(await policy.weights(), before, "the given policy is not changed");
  assert.deepEqual(
    comparison.arms.map(({ name }) => name),
    ["control", "learningRate 0.005", "other estimator"],
  );
  for (const seed of [0, 1]) {
    const first = comparison.arms.map(({ runs }) => runs[seed]!.metrics[0]!);
    for (const metric of ["reward", "responseLength", "tokens", "entropy"])
      assert.equal(
        new Set(first.map((metrics) => metrics[metric])).size,
        1,
        `${metric} of the first batch is the same`,
      );
    const second = comparison.arms.map(({ runs }) => runs[seed]!.metrics[2]!.entropy);
    assert.equal(new Set(second).size, 3, "the arms part");
  }
  const trainer = new Trainer({ ...base, lab, policy: await policy.clone() });
  for (let step = 0; step < 3; step++) {
    const { metrics } = await trainer.trainStep();
    assert.deepEqual({ ...metrics }, comparison.arms[0]!.runs[0]!.metrics[step]);
  }
  const shown = await comparison[displaySymbol]();
  assert.match(shown["text/plain"] as string, /learningRate 0\.005/);
  assert.match(shown["text/html"] as string, /<svg/);
});

test("runs are evaluated as they were trained, and finished ones are read from the folder where all that decides them is the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-compare-"));
  const heldOut = tasks.arithmetic({ families: ["algebra"] }).split({ heldOut: 3 }).heldOut;
  const options = {
    base,
    vary: { text: { promptFormat: "text" as const } },
    steps: 1,
    folder,
    evaluation: (arm: string) => ({ taskset: heldOut, samples: arm === "text" ? 2 : 4 }),
  };
  const first = await lab.compare(options);
  const [control] = first.cards("control");
  const [text] = first.cards("text");
  assert.deepEqual([control!.summary.samples, text!.summary.samples], [12, 6]);
  assert.deepEqual([control!.settings!.promptFormat, text!.settings!.promptFormat], ["code", "text"]);
  assert.equal(control!.settings!.maxLength, small.maxLength);
  assert.deepEqual(
    first.arms.map(({ runs }) => runs[0]!.reused),
    [undefined, undefined],
  );

  const again = await lab.compare({ ...options, seeds: [lab.seed, 6] });
  assert.deepEqual(
    again.arms.map(({ runs }) => runs.map(({ reused }) => reused ?? false)),
    [
      [true, false],
      [true, false],
    ],
  );
  for (const arm of ["control", "text"]) {
    assert.deepEqual(again.arm(arm).runs[0]!.metrics, first.arm(arm).runs[0]!.metrics);
    assert.deepEqual(again.cards(arm)[0]!.toJSON(), first.cards(arm)[0]!.toJSON());
  }
  assert.match(String((await again[displaySymbol]())["text/plain"]), /2 of 4 runs read from the folder/);

  const [file] = (await readdir(folder)).filter((name) => name.startsWith("control-5-"));
  await writeFile(join(folder, file!), "{");
  const other = await lab.compare({ ...options, vary: { text: { promptFormat: "text" as const, temperature: 0.5 } } });
  assert.ok(
    other.arms.every(({ runs }) => !runs[0]!.reused),
    "a damaged file and other settings are no earlier run",
  );
  assert.deepEqual(other.arm("control").runs[0]!.metrics, first.arm("control").runs[0]!.metrics);
  assert.throws(() => first.cards("texts"), /texts.*text/);
});

test("summaries: means over seeds, paired differences, signs", () => {
  const runs = (...finals: number[]) => finals.map((reward, seed) => ({ seed, metrics: [{ reward: 0 }, { reward }] }));
  const comparison = new Comparison(
    [
      { name: "control", changes: {}, runs: runs(0.5, 0.7, 0.6) },
      { name: "b", changes: {}, runs: runs(0.6, 0.9, 0.55) },
    ],
    2,
  );
  const [control, b] = comparison.summary("reward", { last: 1 });
  assert.ok(Math.abs(control!.final - 0.6) < 1e-12 && Math.abs(control!.deviation - 0.1) < 1e-12);
  assert.ok(Math.abs(b!.difference - 0.25 / 3) < 1e-12);
  assert.deepEqual([b!.sameSign, b!.seeds], [2, 3]);
  assert.deepEqual(comparison.means("b", "reward", { from: 2 }), [0.6, 0.9, 0.55]);
  const whole = comparison.differences("b", "reward").map((difference) => difference.toFixed(12));
  assert.deepEqual(whole, ["0.050000000000", "0.100000000000", "-0.025000000000"]);
  assert.throws(() => comparison.means("b", "reward", { from: 3 }), /Steps 3 to 2/);
  assert.throws(() => comparison.cards("b"), /not evaluated/);
  assert.throws(
    () => comparison.summary("rewards"),
    (error) => error instanceof InvalidInputError && /reward/.test(error.hint ?? ""),
  );
});

test("arms that do not fit are refused before anything runs", async () => {
  const refuses = (options: Partial<Parameters<typeof lab.compare>[0]>, pattern: RegExp) =>
    assert.rejects(lab.compare({ base, vary: { learningRate: [1] }, steps: 1, ...options }), (error) => {
      assert.ok(error instanceof InvalidInputError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses({ vary: { clipRatioHigh: [0.2, -1] } }, /clipRatioHigh -1.*clipRatioHigh/);
  await refuses({ vary: { "mask off": { maskTokens: false } as never } }, /mask off.*maskTokens/);
  await refuses({ vary: {} }, /nothing to vary/);
  await refuses({ seeds: [1, 1] }, /seed comes twice/);
  await refuses({ steps: 0 }, /steps.*0/);
});

test("every setting has a default: one that could be absent would pass from an arm, or from before a rewind, to what follows", () => {
  const { shape } = trainerConfigSchema;
  assert.deepEqual(Object.keys(trainerConfigSchema.parse({})).sort(), Object.keys(shape).sort());
});
