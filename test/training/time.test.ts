import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { CheckpointError, InvalidInputError } from "../../src/base/errors.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { RecordingError, Run, sendCommand, stepsOf, waitForAnswer } from "../../src/recording/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { until } from "../until.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());
const make = (settings: Partial<TrainerOptions> = {}) => smallTrainer({ interpreter, ...settings });
const record = await runsFolder();

async function eventsOf(trainer: Trainer) {
  const { folder } = await trainer.openRun(record);
  return { folder, events: await (await Run.open(folder)).events() };
}

test("a run in the background obeys between steps: pause, step, set, mark, resume, stop", async () => {
  const trainer = await make();
  const run = trainer.start(1000, { record });
  assert.equal(run.steps.length, 0);
  assert.throws(
    () => trainer.start(3),
    (error) => error instanceof InvalidInputError && /training already \(step 0 of 1000\)/.test(error.message),
  );
  await assert.rejects(trainer.train(1, { record }).done(), /training already/);
  await until(() => run.steps.length >= 1);
  await assert.rejects(trainer.rewind(0), /pause\(\) or stop\(\) the run first/);
  await run.pause();
  const standing = trainer.step;
  assert.equal(run.status, "paused");
  assert.equal((await run.step(2)).step, standing + 2);
  assert.equal(run.status, "paused");
  assert.equal(trainer.step, standing + 2);
  await run.set({ clipRatioHigh: 0.4, temperature: 0.9 });
  assert.equal(trainer.config.clipRatioHigh, 0.4);
  await assert.rejects(run.set({ clipRatioHigh: 0.5, temperature: -1 }), /temperature.*-1/);
  assert.equal(trainer.config.clipRatioHigh, 0.4);
  await run.mark("good");
  await run.resume();
  await until(() => trainer.step > standing + 3);
  await run.stop();
  assert.equal(run.status, "stopped");
  assert.equal((await run.done).length, trainer.step);
  await assert.rejects(run.pause(), /has ended \(stopped\)/);

  const { events } = await eventsOf(trainer);
  const changed = events.filter((event) => event.type === "config");
  assert.deepEqual(
    changed.map(({ step, changes }) => ({ step, changes })),
    [{ step: standing + 2, changes: { clipRatioHigh: 0.4, temperature: 0.9 } }],
  );
  const marked = events.find((event) => event.type === "checkpoint" && event.label === "good");
  assert.equal(marked?.type === "checkpoint" && marked.step, standing + 2);
  assert.ok(events.some((event) => event.type === "command-refused" && /temperature/.test(event.text)));
  assert.ok(events.filter((event) => event.type === "command").every(({ by }) => by === "this notebook"));
  // The trainer is free again.
  assert.equal((await trainer.train(1, { record }).done()).length, 1);
});

test("a failure in the background is told, recorded, and rejects done without an unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  const failing: Reward = {
    name: "fails later",
    score: (input) => {
      if (scored++ >= 6) throw new Error("the judge has left");
      return byLength.score(input);
    },
  };
  let scored = 0;
  const trainer = await make({ reward: failing });
  const run = trainer.start(5, { record });
  await until(() => run.status === "failed");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  assert.deepEqual(unhandled, []);
  await assert.rejects(run.done, /the judge has left/);
  assert.equal(trainer.step, 1);
  const { events } = await eventsOf(trainer);
  const end = events.at(-1)!;
  assert.ok(end.type === "run-finished" && end.reason === "failed" && /the judge has left/.test(end.error!));
  assert.equal((await trainer.openRun(record)).config.config.maxLength, 32);
});

test("a step that fails or never comes rejects who asked for it; kept steps hold no batch and no advantages", async () => {
  let isAway = false;
  const reward: Reward = {
    name: "leaving",
    score: ({ text }) => {
      if (isAway) throw new Error("the judge has left");
      return { reward: text.length % 2, correct: false, detail: {} };
    },
  };
  const trainer = await make({ reward, advantageEstimator: "reinforce++" });
  const run = trainer.start(5, { record: false });
  const first = await run.step();
  assert.deepEqual(Object.keys(first).sort(), ["alerts", "changes", "metrics", "seconds", "step"]);
  isAway = true;
  await assert.rejects(run.step(), /the judge has left/);
  isAway = false;
  const second = trainer.start(5, { record: false });
  await second.pause();
  const [stepping, stopping] = [second.step(3), second.stop()];
  await assert.rejects(stepping, /No step was taken: the training ended \(stopped\)/);
  await stopping;
  await trainer.close();
});

test("the folder's commands reach a training that holds its cell, and what comes too late is refused", async () => {
  const trainer = await make();
  const { folder } = await trainer.openRun(record);
  const answers: string[] = [];
  let late = "";
  for await (const { step } of trainer.train(6, { record })) {
    if (step === 1) {
      answers.push(await sendCommand(folder, { type: "set", values: { clipRatioHigh: 0.5 } }, { by: "a person" }));
      answers.push(await sendCommand(folder, { type: "set", values: { clipRatio: 1 } }));
    }
    if (step === 2) answers.push(await sendCommand(folder, { type: "stop" }));
    assert.ok(step <= 2, `step ${step} was taken after the stop`);
    if (step === 2) late = await sendCommand(folder, { type: "pause" });
  }
  const [set, bad, stop] = await Promise.all(answers.map((id) => waitForAnswer(folder, id)));
  assert.ok(set!.type === "command" && set!.by === "a person" && set!.step === 1);
  assert.ok(bad!.type === "command-refused" && /clipRatio.*did you mean/.test(bad!.text));
  assert.equal(stop!.type, "command");
  assert.ok(await waitForAnswer(folder, late));
  assert.equal(trainer.config.clipRatioHigh, 0.5);
  const { events } = await eventsOf(trainer);
  const end = events.at(-1)!;
  assert.ok(end.type === "run-finished" && end.reason === "stopped");
});

test("rewinding replays changed settings; a fork goes on identically and names its parent", async () => {
  const trainer = await make({ checkpointEvery: 0 });
  const weights: Record<number, unknown> = {};
  const changes: Record<number, number> = { 1: 0.001, 3: 0.0001 };
  for await (const { step } of trainer.train(5, { record })) {
    weights[step] = await trainer.policy.weights();
    if (changes[step]) trainer.config.learningRate = changes[step];
  }
  // There are checkpoints of 0 and 5 alone: 4 is reached through the changes after 1 and 3.
  await trainer.rewind(4);
  assert.deepEqual(await trainer.policy.weights(), weights[4]);
  assert.equal(trainer.config.learningRate, 0.0001);
  await trainer.rewind(2);
  assert.deepEqual(await trainer.policy.weights(), weights[2]);
  await trainer.rewind(5);
  assert.deepEqual(await trainer.policy.weights(), weights[5]);

  const fork = await trainer.fork({ step: 2, name: "other" });
  assert.equal(fork.step, 2);
  assert.equal(fork.config.learningRate, 0.001);
  assert.deepEqual(await fork.policy.weights(), weights[2]);
  await fork.train(1).done();
  assert.deepEqual(await fork.policy.weights(), weights[3]);
  assert.deepEqual(await trainer.policy.weights(), weights[5], "the parent is untouched");
  const [parent, child] = [await trainer.openRun(record), await fork.openRun(record)];
  assert.deepEqual(child.config.parent, { id: parent.id, step: 2 });
  assert.equal(dirname(child.folder), dirname(parent.folder));
  assert.match(child.id, /other$/);
  await assert.rejects(trainer.fork({ step: 9 }), CheckpointError);

  // Back, another way on: what lay beyond is left behind.
  await trainer.rewind(4);
  trainer.config.learningRate = 0.01;
  await trainer.train(2, { record }).done();
  assert.equal(trainer.step, 6);
  const steps = stepsOf((await eventsOf(trainer)).events);
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6],
  );
  assert.equal(steps[4]!.metrics.learningRate, 0.01);
  const after = await trainer.policy.weights();
  await trainer.rewind(5);
  await trainer.rewind(6);
  assert.deepEqual(await trainer.policy.weights(), after);
});

test("a run's folder alone suffices to go on with it, or to repeat its end", async () => {
  const settings = {
    reward: undefined,
    taskset: tasks.list(
      "two",
      [0, 1].map((i) => tasks.arithmetic().at(i)),
    ),
  };
  const whole = await make(settings as Partial<TrainerOptions>);
  whole.config.temperature = 0.8;
  await whole.train(2, { record }).done();
  whole.config.learningRate = 0.002;
  await whole.train(2, { record }).done();
  const { folder } = await whole.openRun(record);

  const other = await Trainer.resume(folder, { interpreter, step: 2 });
  assert.equal(other.step, 2);
  assert.equal(other.config.temperature, 0.8);
  assert.equal(other.policy.name, "tiny-math");
  assert.equal(other.lab.seed, 7);
  const resumed = await Trainer.resume(folder, { interpreter });
  assert.equal(resumed.step, 4);
  assert.equal(resumed.config.learningRate, 0.002);
  assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());
  await whole.trainStep();
  await resumed.train(1).done();
  assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());
  assert.equal((await resumed.openRun(record)).folder, folder);
  // The first trainer does not write into what another one went on with.
  await assert.rejects(whole.train(1, { record }).done(), /Another trainer has gone on/);
});

test("a training that goes on from the state of a fork is recorded from there, also where both have taken as many steps", async () => {
  const folder = await runsFolder();
  const trainer = await make();
  await trainer.train(2, { record: folder }).done();
  const fork = await trainer.fork({ step: 1, record: false });
  fork.config.learningRate = 0.01;
  await fork.train(1, { record: false }).done();
  assert.deepEqual([fork.step, fork.version], [trainer.step, trainer.version]);
  await trainer.restore(await fork.checkpoint());
  const weights = await trainer.policy.weights();
  await trainer.train(1).done();
  await trainer.rewind(2);
  assert.deepEqual(await trainer.policy.weights(), weights);
  await Promise.all([trainer.close(), fork.close()]);
});

test("a reward that depends on the step is known again when its run is taken up", async () => {
  const folder = await runsFolder();
  const annealed: Reward = {
    name: "annealed",
    score: ({ text, step }) => ({ reward: step === 0 ? 1 : text.length % 3, correct: false, detail: {} }),
  };
  const trainer = await make({ reward: annealed });
  await trainer.train(2, { record: folder }).done();
  const { folder: run } = await trainer.openRun(folder);
  await trainer.close();
  const again = await Trainer.resume(run, { interpreter, reward: annealed });
  assert.equal(again.step, 2);
  await again.close();
});

test("a recorded step, replayed, gives the same rewards, marks, metrics, alerts and weights; what differs is told", async () => {
  const trainer = await make({
    klCoef: 0.05,
    filters: [{ name: "overlong", mode: "penalty", buffer: 8, factor: 0.5 }],
    guards: [
      { metric: "responseLength", above: 1 },
      { metric: "gradNorm", above: 0.001, action: "rollback", patience: 3 },
      { metric: "reward", above: 5 },
    ],
  });
  const states: Record<number, unknown> = {};
  const said: Record<number, number> = {};
  for await (const { step, alerts, batch } of trainer.train(3, { record })) {
    states[step] = await trainer.policy.weights();
    said[step] = alerts.length;
    assert.ok(batch.rollouts.some(({ marks }) => marks?.length));
  }
  assert.deepEqual(said, { 1: 1, 2: 0, 3: 1 }, "an alert is told once; the third step is taken back");
  for (const step of [1, 2, 3]) {
    const replay = await trainer.replay(step);
    for (const list of [replay.differences, replay.rescored, replay.remarked, replay.alerts])
      assert.deepEqual(list, [], `step ${step}`);
    assert.deepEqual(replay.weights, states[step]);
  }
  const high: Reward = { name: "high", score: () => ({ reward: 9, correct: false, detail: {} }) };
  const changed = await trainer.replay(2, { reward: high });
  assert.equal(changed.rescored.length, 6);
  assert.deepEqual(changed.remarked, [], "lengths are what they were");
  assert.ok(changed.differences.some(({ metric, now }) => metric === "reward" && now === 9));
  assert.ok(changed.alerts.some(({ now }) => now?.metric === "reward" && now.value === 9));
  assert.notDeepEqual(changed.weights, states[2]);
  assert.deepEqual(await trainer.policy.weights(), states[3]);

  // A recording in which something else stands is found out.
  const run = await trainer.openRun(record);
  const lines = (await readFile(join(run.folder, "rollouts", "step-000002.jsonl"), "utf8")).trimEnd().split("\n");
  const records = lines.map((line) => JSON.parse(line) as { marks: unknown[]; reward: { reward: number } });
  const marked = records.findIndex(({ marks }) => marks.length > 0);
  records[marked]!.marks = [];
  records[0]!.reward.reward += 1;
  await run.writeRollouts(2, records);
  const edited = await trainer.replay(2);
  assert.deepEqual(
    edited.remarked.map(({ rollout }) => rollout),
    [marked],
  );
  assert.deepEqual(
    edited.rescored.map(({ rollout }) => rollout),
    [0],
  );
  await assert.rejects(trainer.replay(7), /no rollouts of step 7.*1, 2, 3/);
  await assert.rejects(trainer.trainStep(changed.batch), /batch is of step 1, the trainer is at step 3/);
});

test("what cannot be taken up is refused clearly, and nothing is changed", async () => {
  const trainer = await make();
  await trainer.train(1, { record }).done();
  const { folder } = await trainer.openRun(record);
  const refuses = (
    path: string,
    options: Parameters<typeof Trainer.resume>[1],
    pattern: RegExp,
    kind = RecordingError,
  ) =>
    assert.rejects(Trainer.resume(path, { interpreter, reward: byLength, ...options }), (error) => {
      assert.ok(error instanceof kind, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses(join(record, "nowhere"), {}, /not the folder of a run/);
  await refuses(folder, { reward: undefined }, /reward "by length".*\{ reward \}/, InvalidInputError);
  const another: Reward = { name: "by length", score: () => ({ reward: 0.25, correct: false, detail: {} }) };
  await refuses(folder, { reward: another }, /another reward "by length"/, InvalidInputError);
  await refuses(
    folder,
    { lab: new Lab({ seed: 8, device: "cpu" }) },
    /seed 7, but the lab has seed 8/,
    InvalidInputError,
  );
  const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
  const { config, tokenizer, weights } = await Policy.create("tiny-math", { lab }).then(async (policy) => ({
    config: policy.config,
    tokenizer: policy.tokenizer,
    weights: await policy.weights(),
  }));
  const longer = await Policy.fromWeights("longer", lab, { ...config, maxLength: 128 }, tokenizer, weights);
  await refuses(folder, { lab, policy: longer }, /maxLength is 96, the policy's is 128/, CheckpointError);

  const broken = async (name: string, change: (path: string) => Promise<unknown>) => {
    const path = join(record, name);
    await cp(folder, path, { recursive: true });
    await change(path);
    return path;
  };
  const edit = async (path: string, change: (config: Record<string, unknown>) => void) => {
    const file = join(path, "config.json");
    const json = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    change(json);
    await writeFile(file, JSON.stringify(json));
  };
  await refuses(await broken("newer", (p) => edit(p, (c) => (c.formatVersion = 99))), {}, /newer version.*format 99/);
  await refuses(await broken("plain", (p) => edit(p, (c) => delete c.setup)), {}, /does not say what it was made of/);
  const noCheckpoint = await broken("bare", (p) => rm(join(p, "checkpoints"), { recursive: true }));
  await refuses(noCheckpoint, {}, /before its first checkpoint/, CheckpointError);
  const torn = await broken("torn", (p) => writeFile(join(p, "checkpoints/step-000001/optimizer.safetensors"), "half"));
  await refuses(torn, {}, /optimizer\.safetensors/, CheckpointError);
  await trainer.train(1, { record }).done();
  assert.equal(trainer.step, 2);
});

test("retention: a run keeps the checkpoints that its configuration asks for, and marked ones", async () => {
  const trainer = await make({ checkpoints: { keepLast: 2, keepEvery: 4 } });
  const run = trainer.start(7, { record });
  await until(() => run.steps.length >= 1);
  await run.pause();
  const marked = trainer.step;
  await run.mark("early");
  await run.resume();
  await run.done;
  const { checkpoints } = await trainer.openRun(record);
  const steps = (await checkpoints.list()).map(({ step }) => step);
  assert.deepEqual(
    steps,
    [...new Set([0, marked, 4, 6, 7])].sort((a, b) => a - b),
  );
});
