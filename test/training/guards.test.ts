import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bytesOf } from "../../src/base/files.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Run } from "../../src/recording/index.ts";
import { checkpointFiles, readCheckpointFiles } from "../../src/training/checkpoint-files.ts";
import { culprits } from "../../src/training/guards/culprits.ts";
import { freshState, guardName, guardSchema, guardsSchema, look } from "../../src/training/guards/guard.ts";
import { guards } from "../../src/training/guards/index.ts";
import type { GuardState } from "../../src/training/guards/types.ts";
import { gradNormLimit, nonFinite, watch } from "../../src/training/guards/watch.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import type { Trainer } from "../../src/training/trainer.ts";
import { sketchBatch } from "./batch-tools.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) => smallTrainer({ interpreter, warmupSteps: 0, ...settings });
const tokenizer = tinyMathTokenizer();
const guard = (settings: unknown) => guardSchema.parse(settings);

/** What a guard says of a series of values: the places where it fires. */
function firesAt(settings: unknown, values: readonly number[]): { at: number[]; state: GuardState } {
  let state = freshState;
  const at: number[] = [];
  values.forEach((value, i) => {
    // As it is after a checkpoint.
    const seen = look(guard(settings), JSON.parse(JSON.stringify(state)) as GuardState, value);
    if (seen.fires) at.push(i);
    state = seen.state;
  });
  return { at, state };
}

test("limits: above, below, patience, and what is not finite", () => {
  const pause = { action: "pause" };
  assert.deepEqual(firesAt({ metric: "kl", above: 0.1, ...pause }, [0.05, 0.1, 0.11, 0.2, 0.1]).at, [2, 3]);
  const low = { metric: "entropy", below: 0.1, patience: 2 };
  assert.deepEqual(firesAt({ ...low, ...pause }, [0.05, 0.2, 0.05, 0.05, 0.05]).at, [3, 4]);
  assert.deepEqual(
    firesAt(low, [0.05, 0.05, 0.05, 0.2, 0.05, 0.05, 0.05]).at,
    [1, 5],
    "an alert is told once, and again after the metric was within its limit",
  );
  assert.deepEqual(firesAt({ metric: "entropy", below: 0.1 }, [0.2, Number.NaN]).at, [1]);
  assert.deepEqual(firesAt({ metric: "kl", zScore: 3 }, [0.2, Number.POSITIVE_INFINITY]).at, [1]);
});

test("a z-score needs a full window, looks at the values before, and only in its direction", () => {
  const calm = [1, 1.2, 0.8, 1.1, 0.9];
  const up = { metric: "gradNorm", zScore: 3, window: 5 };
  assert.deepEqual(firesAt(up, [...calm.slice(0, 4), 100]).at, [], "four values fill no window of five");
  assert.deepEqual(firesAt(up, [...calm, 100]).at, [5]);
  assert.deepEqual(firesAt(up, [...calm, -100]).at, []);
  assert.deepEqual(firesAt({ ...up, zScore: -3 }, [...calm, 100, -100]).at, [6]);
  // Mean 1, unbiased deviation sqrt(0.1 / 4) = 0.158: three of them above is 1.474.
  assert.deepEqual(firesAt(up, [...calm, 1.47]).at, []);
  assert.deepEqual(firesAt(up, [...calm, 1.48]).at, [5]);
  // A flat series is no reason to cry at a hair's breadth.
  assert.deepEqual(firesAt(up, [1, 1, 1, 1, 1, 1.02, 1.5]).at, [6]);
});

test("a spike hardly widens the window; a lasting change becomes the new normal", () => {
  const up = { metric: "gradNorm", zScore: 3, window: 5, action: "skip" };
  const calm = [1, 1.2, 0.8, 1.1, 0.9];
  const { state } = firesAt(up, [...calm, 1000]);
  assert.ok(Math.max(...state.recent) < 1.5, `${state.recent}`);
  assert.equal(state.recent.length, 5);
  assert.deepEqual(firesAt(up, [...calm, 1000, 1, 1000]).at, [5, 7]);
  const { at } = firesAt(up, [...calm, ...new Array<number>(40).fill(10)]);
  assert.ok(at.length > 1 && at.at(-1)! < 44, `fires at ${at}`);
});

test("an alert says what was seen, and names the rollouts that caused it", () => {
  const batch = sketchBatch(tokenizer, [
    { text: "\\boxed{2}", reward: 1 },
    { text: "1111111111111111", reward: -1, maxLength: 16 },
    { text: "```python\nprint(1+1)\n```\n", group: 1, reward: -1, status: "error" },
    { text: "```output\n2\n```\n", group: 1, reward: -1 },
  ]);
  const sight = { step: 7, metrics: { truncated: 0.25, reward: -0.5, loss: Number.NaN, refKl: undefined }, batch };
  const all = guardsSchema.parse([
    { metric: "truncated", above: 0.2, action: "pause" },
    { metric: "reward", below: 0 },
    { metric: "accuracy", below: 0.1 },
  ]);
  const [alerts, states] = watch(all, {}, sight);
  assert.equal(alerts.length, 2, "there is no accuracy in sight");
  const [truncated, reward] = alerts;
  assert.deepEqual(truncated!.rollouts, [{ group: 0, sample: 1 }]);
  assert.equal(truncated!.message, "truncated is 0.25, above the limit of 0.2: training pauses");
  assert.equal(truncated!.step, 7);
  assert.deepEqual(reward!.rollouts.at(-1), { group: 0, sample: 0 }, "the best comes last");
  assert.deepEqual(JSON.parse(JSON.stringify(states)), states);
  const [broken, ...others] = nonFinite(sight, alerts);
  assert.deepEqual([broken!.metric, broken!.limit, others.length], ["loss", null, 0]);

  const who = (metric: string, isHigh = true) => culprits(metric, isHigh, batch, undefined);
  assert.deepEqual(who("toolErrors"), [{ group: 1, sample: 0 }]);
  assert.deepEqual(who("forgedOutput"), [{ group: 1, sample: 1 }]);
  assert.deepEqual(who("zeroVariance"), [
    { group: 1, sample: 0 },
    { group: 1, sample: 1 },
  ]);
  assert.deepEqual(who("tokens"), []);
  const advantages = { estimator: "grpo", perRollout: Float64Array.of(0, 0.1, -5, 0) };
  assert.deepEqual(culprits("gradNorm", true, batch, advantages)[0], { group: 1, sample: 0 });
});

test("the usual guards have reasons and are shown with them; bad ones are refused", async () => {
  const usual = guards.default();
  assert.ok(usual.every(({ reason, action }) => reason && action === "alert"));
  assert.match(JSON.stringify((usual as never)[displaySymbol as never] ? "shown" : "not"), /shown/);
  assert.ok(guards.default({ onSpike: "skip", onCollapse: "rollback" }).some(({ action }) => action === "rollback"));
  assert.equal(gradNormLimit(guards.default({ onSpike: "skip" }), {}), undefined, "nothing was seen yet");
  await assert.rejects(make({ guards: [{ metric: "entrpy", below: 1 }] }), /did you mean entropy/);
  await assert.rejects(make({ guards: [{ metric: "kl" }] }), /exactly one of above, below and zScore/);
  await assert.rejects(make({ guards: [{ metric: "kl", above: 1, zScore: 2 }] }), /exactly one/);
  await assert.rejects(
    make({ guards: [{ metric: "kl", above: 1, action: "skip" }] }),
    /only after the update.*rollback/,
  );
  const twice = { metric: "kl", above: 1 };
  await assert.rejects(make({ guards: [twice, { ...twice, action: "pause" }] }), /same metric and limit/);
});

async function weightsAfter(trainer: Trainer, steps: number) {
  for (let i = 0; i < steps; i++) await trainer.trainStep();
  return trainer.policy.weights();
}

test("guards that only tell change nothing, bit for bit", async () => {
  const none = await make({ guards: [] });
  const all = guards.default().map((one) => ({ ...one, patience: 1, window: 2 }));
  const telling = await make({ guards: [...all, { metric: "reward", below: 100 }] });
  assert.deepEqual(await weightsAfter(telling, 3), await weightsAfter(none, 3));
});

test("a skip changes neither weights nor moments: before the update, and at a gradient norm", async () => {
  for (const settings of [
    { metric: "reward", below: 100, action: "skip" },
    { metric: "gradNorm", above: 1e-3, action: "skip" },
  ] as const) {
    const trainer = await make({ guards: [settings] });
    const before = await trainer.checkpoint();
    const { alerts, metrics, step } = await trainer.trainStep();
    const now = await trainer.checkpoint();
    assert.deepEqual(now.weights, before.weights);
    assert.deepEqual(now.optimizer, before.optimizer);
    assert.equal(metrics.skipped, 2);
    assert.ok(metrics.gradNorm > 1e-3 && Number.isFinite(metrics.loss), "its figures are there all the same");
    assert.equal(step, 1, "the batch is used up");
    assert.equal(alerts.length, 1);
    assert.match(alerts[0]!.message, /the step changes no weights/);
    assert.ok(alerts[0]!.rollouts.length > 0);
    trainer.configure({ guards: [] });
    await trainer.trainStep();
    assert.notDeepEqual(await trainer.policy.weights(), before.weights);
  }
});

/** The learning rate goes through the roof in the fifth step, and only there. */
const spike: TrainerOptions["learningRate"] = [
  [0, 1e-4],
  [4, 1],
  [5, 1e-4],
];

test("a step ruined by its learning rate is rolled back to the weights before it, and training goes on", async () => {
  const plain = await make({ learningRate: spike, guards: [] });
  const good = await weightsAfter(plain, 4);
  const healthy = plain.explain("kl").value!;
  const { metrics: ruined } = await plain.trainStep();
  assert.ok(ruined.kl > 1 && Math.abs(healthy) < 0.1, `KL ${healthy}, then ${ruined.kl}`);

  const trainer = await make({ learningRate: spike, guards: [{ metric: "kl", above: 0.5, action: "rollback" }] });
  const steps = [];
  for (let i = 0; i < 5; i++) steps.push(await trainer.trainStep());
  assert.deepEqual(
    steps.map(({ alerts }) => alerts.map(({ action }) => action)),
    [[], [], [], [], ["rollback"]],
  );
  const [alert] = steps[4]!.alerts;
  assert.match(alert!.message, /back to the last good weights, those that step 5 began with/);
  assert.ok(alert!.rollouts.length > 0);
  assert.deepEqual(await trainer.policy.weights(), good);
  assert.equal(trainer.step, 5);
  const { alerts, metrics } = await trainer.trainStep();
  assert.deepEqual(alerts, []);
  assert.ok(Math.abs(metrics.kl) < 0.1);
});

test("a collapse that shows only in the next batch goes back to the weights before the step that made it", async () => {
  const plain = await make({ learningRate: spike, guards: [], miniBatches: 1 });
  const good = await weightsAfter(plain, 4);
  const { metrics: before } = await plain.trainStep();
  const { metrics: collapsed } = await plain.trainStep();
  const isDown = collapsed.entropy < before.entropy;
  const limit = (before.entropy + collapsed.entropy) / 2;
  assert.ok(Math.abs(collapsed.entropy - before.entropy) > 0.2, `entropy ${before.entropy}, then ${collapsed.entropy}`);

  const entropy = { metric: "entropy", ...(isDown ? { below: limit } : { above: limit }), action: "rollback" } as const;
  const trainer = await make({ learningRate: spike, guards: [entropy], miniBatches: 1 });
  const steps = [];
  for (let i = 0; i < 6; i++) steps.push(await trainer.trainStep());
  assert.deepEqual(
    steps.map(({ alerts }) => alerts.length),
    [0, 0, 0, 0, 0, 1],
  );
  assert.deepEqual(await trainer.policy.weights(), good);
});

test("a run resumed under guards equals one that was never stopped; checkpoints without guards still load", async () => {
  const settings: Partial<TrainerOptions> = {
    learningRate: spike,
    rollbackEvery: 3,
    guards: [
      { metric: "kl", above: 0.5, action: "rollback" },
      { metric: "responseLength", zScore: 1, window: 2 },
      { metric: "reward", below: 100, patience: 5 },
    ],
  };
  const whole = await make(settings);
  for (let i = 0; i < 2; i++) await whole.trainStep();
  const files = await checkpointFiles(whole.policy, await whole.checkpoint());
  const bytes = Object.fromEntries(Object.entries(files).map(([name, data]) => [name, Uint8Array.from(bytesOf(data))]));
  assert.ok("last-good.safetensors" in bytes, "the weights to go back to are older than the checkpoint's");
  const resumed = await make(settings);
  await resumed.restore(readCheckpointFiles(resumed.policy, bytes, "checkpoint"));
  const alerts = [];
  for (let i = 0; i < 4; i++) {
    const [one, other] = [await whole.trainStep(), await resumed.trainStep()];
    assert.deepEqual(other.alerts, one.alerts);
    assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());
    alerts.push(...one.alerts);
  }
  assert.ok(
    alerts.some(({ action }) => action === "rollback"),
    "the run went back",
  );
  assert.ok(
    alerts.some(({ metric }) => metric === "reward"),
    "patience outlasted the checkpoint",
  );
  assert.deepEqual((await resumed.checkpoint()).guards, (await whole.checkpoint()).guards);

  const state = JSON.parse(new TextDecoder().decode(bytes["trainer.json"])) as { guards?: unknown };
  delete state.guards;
  const old = { ...bytes, "trainer.json": new TextEncoder().encode(JSON.stringify(state)) };
  await resumed.restore(readCheckpointFiles(resumed.policy, old, "checkpoint"));
  assert.deepEqual((await resumed.checkpoint()).guards, { states: {} });
});

test("a pause ends the training after the step, leaves it consistent, and is recorded with its rollouts", async () => {
  const folder = await runsFolder();
  const trainer = await make({ guards: [{ metric: "reward", below: 100, action: "pause", patience: 2 }] });
  const steps = await trainer.train(5, { record: folder }).done();
  assert.equal(steps.length, 2);
  assert.equal(trainer.step, 2);
  const { folder: own } = await trainer.openRun(folder);
  const events = await (await Run.open(own)).events();
  const alert = events.find((event) => event.type === "alert")!;
  assert.ok(alert.type === "alert" && alert.action === "pause" && alert.rollouts!.length > 0);
  const finished = events.find((event) => event.type === "run-finished");
  assert.equal(finished?.type === "run-finished" && finished.reason, "paused");
  trainer.configure({ guards: [] });
  assert.equal((await trainer.train(1, { record: folder }).done()).length, 1);
  assert.equal(trainer.step, 3);
});

test("the KL stop leaves out the mini-batches after one that went too far", async () => {
  const settings = { promptsPerStep: 4, miniBatches: 4, learningRate: 0.05, guards: [] };
  const free = await make(settings);
  const { metrics: all } = await free.trainStep();
  const stopped = await make({ ...settings, klStop: 0.01 });
  const { metrics } = await stopped.trainStep();
  assert.equal(all.klStopped, undefined);
  assert.ok(metrics.klStopped! > 0, `KL ${all.kl}`);
  assert.ok(metrics.tokens < all.tokens);
  const idle = await make({ ...settings, klStop: 1e9 });
  assert.equal((await idle.trainStep()).metrics.klStopped, 0);
  assert.deepEqual(await idle.policy.weights(), await free.policy.weights());
});

test("what is not finite never reaches the weights: rewards, advantages", async () => {
  const broken = { name: "broken", score: () => ({ reward: Number.NaN, correct: false, detail: {} }) };
  const trainer = await make({ reward: broken });
  const before = await trainer.checkpoint();
  await assert.rejects(trainer.trainStep(), /reward "broken" gave the reward NaN, which is not a finite number/);
  const sound = await make();
  const batch = await sound.collect();
  const advantages = sound.advantages(batch);
  advantages.perRollout[1] = Number.POSITIVE_INFINITY;
  await assert.rejects(sound.update(batch, advantages), /advantage of rollout 0\/1 is not a finite number/);
  for (const one of [trainer, sound]) {
    const { weights, optimizer, step } = await one.checkpoint();
    assert.deepEqual({ weights, optimizer, step }, { weights: before.weights, optimizer: before.optimizer, step: 0 });
  }
  assert.equal(guardName(guard({ metric: "kl", above: 0.5 })), "kl above 0.5");
});
