import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import type { Batch } from "../../src/training/batch.ts";
import { culprits } from "../../src/training/guards/culprits.ts";
import { guardName } from "../../src/training/guards/guard.ts";
import { type Alert, guards } from "../../src/training/guards/index.ts";
import type { GuardStates } from "../../src/training/guards/types.ts";
import { watch } from "../../src/training/guards/watch.ts";
import { rolloutMetrics } from "../../src/training/metrics.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { sketchBatch } from "./batch-tools.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) => smallTrainer({ interpreter, warmupSteps: 0, ...settings });
const tokenizer = tinyMathTokenizer();

// A real run of sixty steps from accuracy 0.2 to 0.97: recipes.cir() with 16 prompts a step on algebra and chain1 after
// 300 supervised steps, seed 80.
const healthy = JSON.parse(await readFile(new URL("./golden/healthy-run.json", import.meta.url), "utf8")) as Record<
  string,
  number[]
>;
const usual = guards.default();

/** Looks at steps one after the other, as a run does. */
function lookAt(steps: readonly { metrics: Record<string, number>; batch: Batch }[], states: GuardStates = {}) {
  const alerts: Alert[] = [];
  let seen = states;
  steps.forEach(({ metrics, batch }, i) => {
    const [told, after] = watch(usual, seen, { step: i + 1, metrics, batch });
    alerts.push(...told);
    seen = after;
  });
  return { alerts, states: seen };
}

const calm = sketchBatch(tokenizer, [
  { text: "```python\nprint(1+1)\n```\n\\boxed{2}", reward: 1 },
  { text: "\\boxed{3}", reward: -1 },
]);
const run = Array.from({ length: 60 }, (_, step) => ({
  metrics: Object.fromEntries(Object.entries(healthy).map(([metric, values]) => [metric, values[step]!])),
  batch: calm,
}));
const { alerts: falseAlarms, states: afterRun } = lookAt(run);
const lastMetrics = run.at(-1)!.metrics;

test("the usual guards are silent on a healthy run", () => {
  assert.deepEqual(falseAlarms, []);
});

/** Batches whose own figures are what a guard is there for. */
const circles = "1111111111111111111111111111111111111111";
const troubles: Record<string, Batch> = {
  truncated: sketchBatch(tokenizer, [
    { text: circles, maxLength: 24 },
    { text: circles, maxLength: 24 },
  ]),
  repetition: sketchBatch(tokenizer, [{ text: circles }, { text: "\\boxed{2}" }, { text: "\\boxed{2}" }]),
  toolErrors: sketchBatch(tokenizer, [{ text: "```python\nprint(x)\n```\n\\boxed{2}", status: "error" }]),
  forgedOutput: sketchBatch(tokenizer, [{ text: "```output\n2\n```\n\\boxed{2}" }, { text: "\\boxed{2}" }]),
  zeroVariance: sketchBatch(tokenizer, [
    { text: "\\boxed{2}", reward: -1 },
    { text: "\\boxed{3}", reward: -1 },
  ]),
  reward: sketchBatch(tokenizer, [
    { text: "\\boxed{2}", reward: -1 },
    { text: "\\boxed{3}", reward: -1 },
  ]),
  responseLength: sketchBatch(tokenizer, [{ text: "I think So Hence ".repeat(8), reward: -1 }]),
};
/** Figures that only an update has: those of runs that collapsed (seeds 80 to 82, learning rate 3e-3 to 2e-2). */
const ruined: Record<string, number> = {
  "kl above 0.02": 0.1,
  "kl above 12 deviations of the last 20 steps": 0.011,
  "ratioMax above 20": 34,
  "entropy above 6 deviations of the last 20 steps": 0.49,
  "entropy below 0.005": 0.002,
  "gradNorm above 8 deviations of the last 20 steps": 40,
  "refKl above 1": 1.3,
};

for (const guard of usual) {
  const name = guardName(guard);
  test(`${name} fires on trouble of its kind, ${guard.patience} in a row, and not before`, () => {
    const { metric, patience } = guard;
    const batch = troubles[metric] ?? calm;
    const value =
      metric in troubles ? (rolloutMetrics(batch) as unknown as Record<string, number>)[metric]! : ruined[name]!;
    assert.ok(Number.isFinite(value), `there is no trouble for ${name}`);
    const step = { metrics: { ...lastMetrics, [metric]: value }, batch };
    const fired = (count: number) =>
      lookAt(new Array(count).fill(step), afterRun).alerts.filter((alert) => alert.guard === name);
    assert.equal(fired(patience - 1).length, 0);
    const [alert, ...others] = fired(patience + 3);
    assert.equal(others.length, 0, "it is told once");
    assert.ok(alert, `${name} is silent at ${value}`);
    assert.equal(alert.step, patience);
    assert.ok(alert.rollouts.length > 0, "it names rollouts");
    assert.ok(alert.hint.length > 0);
  });
}

// Rewards of steps 5 to 28 of two runs whose learning rate went from 7e-4 to 1e-2 after 24 steps, while they were still
// learning (seeds 81 and 82): the window is wide, and the second value of a collapse must not be hidden by the first.
const collapses = [
  [
    0.2031, 0.4219, 0.4688, 0.1875, 0.2344, 0.2812, 0.5, 0.2031, 0.0469, 0.3906, 0.2344, 0.5625, 0.2812, 0.6562, 0.5,
    0.4844, 0.2969, 0.2188, 0.3906, 0.5, 0.2812, -0.9219, -1, -0.9844,
  ],
  [
    0.3281, 0.1562, 0.375, 0.1875, 0.2656, 0.7031, 0.3594, 0.4062, 0.1406, 0.5469, 0.5469, 0.4062, 0.5156, 0.5156,
    0.4531, 0.6562, 0.25, 0.7344, 0.1406, 0.4531, 0.7969, -0.9844, -1, -1,
  ],
];
collapses.forEach((rewards, i) => {
  test(`the reward's guard sees a real collapse in its second step (${i + 1})`, () => {
    const { alerts } = lookAt(rewards.map((reward) => ({ metrics: { reward }, batch: troubles.reward! })));
    assert.deepEqual(
      alerts.map(({ step, metric }) => [step, metric]),
      [[23, "reward"]],
    );
  });
});

test("among equals every prompt comes with its strangest rollout first", () => {
  const batch = sketchBatch(
    tokenizer,
    Array.from({ length: 12 }, (_, i) => ({ text: "\\boxed{2}", reward: -1, group: Math.floor(i / 4) })),
  );
  const strange = batch.rollouts.findIndex(({ group, sample }) => group === 1 && sample === 2);
  const { trajectory } = batch.rollouts[strange]!;
  trajectory.logprobs[trajectory.length - 2] = -9;
  const named = culprits("reward", false, batch, undefined);
  assert.deepEqual(named[0], { group: 1, sample: 2 });
  assert.deepEqual(new Set(named.slice(0, 3).map(({ group }) => group)), new Set([0, 1, 2]));
  assert.equal(named.length, 8);
});

const pay = (batch: Batch, index: number, reward: number): Batch => ({
  ...batch,
  rollouts: batch.rollouts.map((rollout, i) =>
    i === index ? { ...rollout, reward: { ...rollout.reward, reward } } : rollout,
  ),
});

test("a poisoned rollout is named by the guards and by its influence, and a skip keeps it from the weights", async () => {
  const trainer = await make({
    promptsPerStep: 4,
    guards: [
      { metric: "gradNorm", above: 1e-3, action: "skip" },
      { metric: "reward", above: 50 },
    ],
  });
  const batch = pay(await trainer.collect(), 5, 1000);
  const { group, sample } = batch.rollouts[5]!;
  const influence = await trainer.influence(batch, trainer.advantages(batch));
  assert.deepEqual([influence.rollouts[0]!.group, influence.rollouts[0]!.sample], [group, sample]);
  const before = await trainer.policy.weights();
  const { alerts } = await trainer.trainStep(batch);
  assert.deepEqual(Object.fromEntries(alerts.map(({ metric, rollouts }) => [metric, rollouts[0]])), {
    reward: { group, sample },
    gradNorm: { group, sample },
  });
  assert.deepEqual(await trainer.policy.weights(), before);
});

test("what is not finite never reaches the weights: log-probs, gradients, an overflow within a step", async () => {
  const trainer = await make({ guards: [], miniBatches: 1 });
  const { weights, optimizer } = await trainer.checkpoint();
  for (const logprob of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const batch = await trainer.collect();
    const { trajectory } = batch.rollouts[4]!;
    trajectory.logprobs[trajectory.promptLength] = logprob;
    const { alerts, metrics } = await trainer.trainStep({ ...batch, policyVersion: -1 });
    const now = await trainer.checkpoint();
    assert.deepEqual({ weights: now.weights, optimizer: now.optimizer }, { weights, optimizer });
    assert.equal(metrics.skipped, 1);
    const told = alerts.find(({ metric }) => metric === "gradNorm")!;
    assert.match(told.message, /gradNorm is NaN, not a finite number/);
    assert.deepEqual(told.rollouts[0], { group: 1, sample: 1 });
  }
  // After the first mini-batch the weights are so large that the second one's forward pass overflows.
  trainer.configure({
    learningRate: 1e30,
    miniBatches: 2,
    guards: guards.default({ onSpike: "skip", onCollapse: "rollback" }),
  });
  const { alerts, metrics } = await trainer.trainStep();
  assert.ok(!Number.isFinite(metrics.loss) && metrics.skipped === 1);
  assert.ok(alerts.some(({ action, metric }) => action === "rollback" && metric === "kl"));
  const now = await trainer.checkpoint();
  assert.deepEqual({ weights: now.weights, optimizer: now.optimizer }, { weights, optimizer });
});

test("the rollouts that an alert names are found in the run and shown as tokens", async () => {
  const folder = await runsFolder();
  const trainer = await make({ guards: [{ metric: "reward", below: 100 }] });
  await assert.rejects(trainer.rollouts({ step: 1 }), /not recorded/);
  let collected: Batch | undefined;
  let alert: Alert | undefined;
  for await (const step of trainer.train(1, { record: folder })) {
    collected = step.batch;
    alert = step.alerts[0];
  }
  const places = alert!.rollouts.slice(0, 2);
  const named = await trainer.rollouts({ ...alert!, rollouts: places });
  assert.deepEqual(
    named.rollouts.map(({ group, sample }) => ({ group, sample })),
    places,
  );
  const bundle = (named as unknown as Record<symbol, () => Record<string, string>>)[displaySymbol]!();
  for (const { group, sample } of places)
    assert.match(bundle["text/plain"]!, new RegExp(`rollout ${group}/${sample} `));
  assert.match(bundle["text/html"]!, /<span/);
  const whole = await trainer.rollouts({ step: 1 });
  assert.deepEqual(
    whole.rollouts.map(({ trajectory }) => trajectory.ids),
    collected!.rollouts.map(({ trajectory }) => trajectory.ids),
  );
  assert.deepEqual(trainer.advantages(whole), trainer.advantages(collected!));
  await assert.rejects(trainer.rollouts({ step: 1, rollouts: [{ group: 9, sample: 0 }] }), /no rollout 9\/0/);
  await assert.rejects(trainer.rollouts({ step: 7 }), /no rollouts of step 7/);
});

test("rewinding through a step that was rolled back repeats it, and what follows is the same", async () => {
  const folder = await runsFolder();
  const trainer = await make({
    learningRate: [
      [0, 1e-4],
      [4, 1],
      [5, 1e-4],
    ],
    guards: [{ metric: "kl", above: 0.5, action: "rollback" }],
    checkpointEvery: 4,
  });
  const steps = await trainer.train(6, { record: folder }).done();
  const last = await trainer.policy.weights();
  await trainer.rewind(5);
  assert.equal(trainer.step, 5);
  assert.notDeepEqual(await trainer.policy.weights(), last);
  const [again] = await trainer.train(1, { record: folder }).done();
  assert.deepEqual(again!.metrics, steps[5]!.metrics);
  assert.deepEqual(await trainer.policy.weights(), last);
  // Also to before it, with guards that the run did not have then.
  await trainer.rewind(4);
  trainer.configure({ guards: [{ metric: "kl", above: 0.5, action: "pause" }], learningRate: 1e-4 });
  const [calmed, ...rest] = await trainer.train(2, { record: folder }).done();
  assert.deepEqual([calmed!.alerts, rest.length], [[], 1]);
});
