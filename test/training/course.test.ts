import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bytesOf } from "../../src/base/files.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Run } from "../../src/recording/index.ts";
import { checkpointFiles, readCheckpointFiles } from "../../src/training/checkpoint-files.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { Trainer } from "../../src/training/trainer.ts";
import type { StepReport } from "../../src/training/types.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) =>
  smallTrainer({ interpreter, warmupSteps: 0, guards: [], miniBatches: 1, ...settings });

/** Everything that steers at once: two triggers, both adaptive coefficients, a reference that is reset with the optimizer. */
const steered: Partial<TrainerOptions> = {
  maxToolCalls: { values: [0, 1, 2], when: { metric: "responseLength", above: 0, for: 2 } },
  clipRatioHigh: { values: [0.2, 0.3], when: { metric: "gradNorm", above: 1e9 } },
  klCoef: { adaptive: { initial: 0.05, target: 1e-4, horizon: 12 } },
  entropyCoef: { adaptive: { initial: 0.001, target: 100, delta: 0.001 } },
  reference: { reset: { every: 3 } },
  learningRate: 0.002,
  warmupSteps: 2,
};

const same = (one: unknown, other: unknown) => assert.deepEqual(one, other);

test("what steers a run is told, recorded, and restored exactly: rewind, fork, resume, replay", async () => {
  const record = await runsFolder();
  const trainer = await make({ ...steered, checkpointEvery: 0 });
  const steps: StepReport[] = [];
  const states: Awaited<ReturnType<Trainer["checkpoint"]>>[] = [await trainer.checkpoint()];
  for await (const step of trainer.train(5, { record })) {
    steps.push(step);
    states.push(await trainer.checkpoint());
  }
  const of = (metric: keyof StepReport["metrics"]) => steps.map(({ metrics }) => metrics[metric]);
  same(of("maxToolCalls"), [0, 0, 1, 1, 2]);
  assert.ok(
    steps.slice(0, 2).every(({ batch }) => batch.rollouts.every(({ trajectory }) => !trajectory.toolCalls.length)),
  );
  same(of("clipRatioHigh"), [0.2, 0.2, 0.2, 0.2, 0.2]);
  // Without a reference of its own yet the first step has KL 0: below its target. Half a horizon: a tenth at the most.
  same(of("klCoef").slice(0, 2), [0.05, 0.05 * (1 - 0.2 * 0.5)]);
  same(
    of("entropyCoef").map((value) => Number(value!.toFixed(9))),
    [0.001, 0.002, 0.003, 0.004, 0.005],
  );
  // The reference is the policy of step 3 in step 4, whose KL is therefore 0 again, and the moments and the warm-up begin anew.
  const kl = of("refKl");
  assert.ok(kl[1]! > 1e-6 && kl[2]! > 1e-6 && Math.abs(kl[3]!) < 1e-7 && kl[4]! > 1e-6, `${kl}`);
  same(
    states.map(({ optimizer }) => optimizer.updates),
    [0, 1, 2, 0, 1, 2],
  );
  same(of("learningRate"), [0.001, 0.002, 0.002, 0.001, 0.002]);
  same(states[4]!.reference, states[3]!.weights);
  same(
    steps.map(({ changes }) => changes.map(({ setting, step, from, to }) => [step, setting, from, to])),
    [[], [[2, "maxToolCalls", 0, 1]], [[3, "reference", undefined, undefined]], [[4, "maxToolCalls", 1, 2]], []],
  );
  assert.ok(
    steps.every(({ alerts }) => alerts.length === 0),
    "nothing of it is wrong",
  );

  const { folder } = await trainer.openRun(record);
  const events = await (await Run.open(folder)).events();
  same(
    events.flatMap((event) => (event.type === "course" ? [event.text] : [])),
    steps.flatMap(({ changes }) => changes.map(({ text }) => text)),
  );
  assert.match(steps[2]!.changes[0]!.text, /reset to the policy, the optimizer's moments are cleared: every 3 steps/);

  // There are checkpoints of 0 and 5 alone: 4 is reached by training again.
  await trainer.rewind(4);
  same(await trainer.checkpoint(), states[4]);
  await trainer.rewind(5);
  same(await trainer.checkpoint(), states[5]);
  const fork = await trainer.fork({ step: 3, record: false });
  same(await fork.checkpoint(), { ...states[3]! });
  await fork.trainStep();
  same(await fork.checkpoint(), states[4]);
  for (const step of [3, 4]) {
    const replay = await trainer.replay(step);
    same(replay.differences, []);
    same(replay.weights, step === 3 ? states[3]!.weights : states[4]!.weights);
  }
  const resumed = await Trainer.resume(folder, { interpreter, reward: byLength });
  same(await resumed.checkpoint(), states[5]);
  same((await resumed.trainStep()).metrics.klCoef, (await trainer.trainStep()).metrics.klCoef);
  same(await resumed.policy.weights(), await trainer.policy.weights());

  // A checkpoint from before there was anything of it.
  const files = await checkpointFiles(trainer.policy, states[4]!);
  const old = JSON.parse(String(files["trainer.json"])) as Record<string, unknown>;
  assert.ok(delete old.controllers);
  const bytes = Object.fromEntries(
    Object.entries({ ...files, "trainer.json": JSON.stringify(old) }).map(([name, data]) => [
      name,
      Uint8Array.from(bytesOf(data)),
    ]),
  );
  await trainer.restore(readCheckpointFiles(trainer.policy, bytes, "checkpoint"));
  same((await trainer.checkpoint()).controllers, {});
});

test("a reference that follows the policy slowly: its weights, and a checkpoint of them", async () => {
  const settings = { klCoef: 0.05, reference: { ema: 0.75 }, learningRate: 0.01 } as const;
  const trainer = await make(settings);
  const start = await trainer.policy.weights();
  await trainer.trainStep();
  const first = await trainer.checkpoint();
  const [name] = Object.keys(start);
  const expected = (before: Float32Array, now: Float32Array) =>
    Float32Array.from(now, (value, i) => 0.75 * before[i]! + 0.25 * value);
  same(first.reference![name!], expected(start[name!]!, first.weights[name!]!));
  const resumed = await make(settings);
  await resumed.restore(first);
  for (const one of [trainer, resumed]) same((await one.trainStep()).changes, []);
  const second = await trainer.checkpoint();
  same(second.reference![name!], expected(first.reference![name!]!, second.weights[name!]!));
  same(await resumed.checkpoint(), second);
});

test("a plateau resets the reference alone where the optimizer is to go on", async () => {
  const trainer = await make({
    klCoef: 0.05,
    reference: { reset: { onPlateau: { metric: "accuracy", patience: 2 } }, resetOptimizer: false },
  });
  const changes = [];
  for (let i = 0; i < 4; i++) changes.push((await trainer.trainStep()).changes);
  // Nothing is ever right here: the best of step 1 stands for two steps, then the count begins anew with step 4.
  same(
    changes.map((all) => all.map(({ text }) => text)),
    [[], [], ["the reference policy is reset to the policy: accuracy has not been above 0 for 2 steps"], []],
  );
  const { optimizer } = await trainer.checkpoint();
  same(optimizer.updates, 4);
});

test("a KL penalty in the reward is measured and controlled too", async () => {
  const adaptive = { initial: 0.05, target: 1e-9, horizon: 60 };
  const trainer = await make({
    klCoef: { adaptive },
    klIn: "reward",
    advantageEstimator: "reinforce",
    learningRate: 0.01,
  });
  const [first, second] = [await trainer.trainStep(), await trainer.trainStep()];
  assert.ok(Math.abs(first.metrics.refKl!) < 1e-7);
  assert.ok(second.metrics.refKl! > 1e-5, `${second.metrics.refKl}`);
  const third = await trainer.trainStep();
  const raised = third.metrics.klCoef! / second.metrics.klCoef!;
  assert.ok(Math.abs(raised - 1.02) < 1e-12, `6 of 60 rollouts at the largest error: ${raised}`);
  // The mean of k3 over the tokens as they were sampled, by hand.
  const batch = third.batch;
  const values = batch.rollouts.flatMap(({ trajectory, refLogprobs }) =>
    trajectory.logprobs.flatMap((logprob, i) => {
      const d = logprob! - refLogprobs![i]!;
      return trajectory.sources[i] === "sampled" ? [Math.exp(-d) + d - 1] : [];
    }),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(third.metrics.refKl! - mean) < 1e-12);
});

test("guards that go back again and again pause the training", async () => {
  const trainer = await make({
    guards: [{ metric: "kl", below: 100, action: "rollback" }],
    rollbackLimit: { count: 2, within: 10 },
    klCoef: { adaptive: { initial: 0.05, target: 1, horizon: 6 } },
  });
  const steps = await trainer.train(9, { record: false }).done();
  same(
    steps.map(({ alerts }) => alerts.map(({ action }) => action)),
    [["rollback"], ["rollback", "pause"]],
  );
  const [, pause] = steps[1]!.alerts;
  assert.match(pause!.message, /went back in 2 of the last 10 steps \(1, 2\): training pauses/);
  same(
    steps.map(({ metrics }) => metrics.klCoef),
    [0.05, 0.05],
  );
  same((await trainer.checkpoint()).guards!.rollbacks, undefined);
  const again = await trainer.train(9, { record: false }).done();
  assert.equal(again.length, 2, "as many attempts again");
});

test("how often guards have gone back is in the checkpoint", async () => {
  const settings: Partial<TrainerOptions> = {
    guards: [{ metric: "kl", below: 100, action: "rollback" }],
    rollbackLimit: { count: 2, within: 10 },
  };
  const trainer = await make(settings);
  await trainer.trainStep();
  const files = await checkpointFiles(trainer.policy, await trainer.checkpoint());
  const bytes = Object.fromEntries(Object.entries(files).map(([name, data]) => [name, Uint8Array.from(bytesOf(data))]));
  const resumed = await make(settings);
  await resumed.restore(readCheckpointFiles(resumed.policy, bytes, "checkpoint"));
  same((await resumed.trainStep()).alerts.at(-1)!.action, "pause");
});
