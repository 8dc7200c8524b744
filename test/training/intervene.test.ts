import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Run, sendCommand, waitForAnswer } from "../../src/recording/index.ts";
import { isTrained } from "../../src/training/batch.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { repeatRun } from "../../src/training/repeat.ts";
import { readRolloutRecords } from "../../src/training/rollout-records.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { cirlab } from "./cirlab.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => interpreter.close());

const make = (settings: Partial<TrainerOptions> = {}): Promise<Trainer> =>
  smallTrainer({ interpreter, maxLength: 96, maxToolCalls: 2, checkpointEvery: 0, warmupSteps: 0, ...settings });

const call = (code: string): string => `Use code:\n\`\`\`python\n${code}\n\`\`\``;

test("a person changes rollouts of a held step: the policy goes on, what was written is not trained on, the run tells", async (t) => {
  const record = await runsFolder();
  const trainer = await make();
  const run = trainer.start(3, { record });
  t.after(() => run.stop());
  const before = await run.hold();
  const { folder } = await trainer.openRun(record);
  const place = { group: 1, sample: 2 };
  const rolloutOf = ({ rollouts }: typeof before) =>
    rollouts.find(({ group, sample }) => group === place.group && sample === place.sample)!;
  const { trajectory: original } = rolloutOf(before);
  assert.deepEqual([run.status, trainer.step, before.step], ["paused", 0, 0]);

  const token = original.promptLength + 1;
  const written = await run.intervene({ ...place, edit: { kind: "write", token, text: call("console.log(6*7)") } });
  const first = rolloutOf(written);
  const { trajectory } = first;
  assert.deepEqual(trajectory.ids.slice(0, token), original.ids.slice(0, token));
  assert.deepEqual(trajectory.logprobs.slice(0, token), original.logprobs.slice(0, token), "as they were born");
  assert.equal(trajectory.toolCalls[0]!.feedback.trim(), "42");
  const { start, end } = trajectory.toolCalls[0]!;
  assert.deepEqual(
    [...new Set(trajectory.sources.slice(token, start)), ...new Set(trajectory.sources.slice(start, end))],
    ["person", "tool"],
  );
  assert.ok(trajectory.logprobs.slice(token, start).every((logprob) => logprob === null));
  assert.ok(trajectory.sources[end] === "sampled" && Number.isFinite(trajectory.logprobs[end]), "the policy goes on");
  assert.ok(trajectory.done);
  assert.equal(first.reward.reward, (await byLength.score({ text: trajectory.assistantText } as never)).reward);
  const others = ({ rollouts }: typeof before) =>
    rollouts.filter((one) => one.group !== place.group || one.sample !== place.sample);
  assert.deepEqual(
    others(written).map((one) => [one.trajectory.toJSON(), one.reward]),
    others(before).map((one) => [one.trajectory.toJSON(), one.reward]),
  );

  // From another process, through the run's folder, as the page does it.
  const edit = { kind: "output", turn: 1, text: "41" } as const;
  const id = await sendCommand(folder, { type: "intervene", step: 1, ...place, edit }, { by: "a page" });
  assert.equal((await waitForAnswer(folder, id))!.type, "command");
  const recorded = await readRolloutRecords(await Run.open(folder), 1);
  const held = recorded.find(({ group, sample }) => group === place.group && sample === place.sample)!;
  const [edited] = held.trajectory.toolCalls;
  assert.deepEqual([edited!.feedback, edited!.edited, held.advantage], ["41", true, undefined]);
  const other = await run.intervene({ ...place, edit: { kind: "code", turn: 1, text: "console.log(5*5)" } });
  const { trajectory: last } = rolloutOf(other);
  assert.deepEqual([last.toolCalls[0]!.feedback.trim(), last.toolCalls[0]!.edited], ["25", false]);
  const end1 = await run.intervene({
    ...place,
    edit: { kind: "write", token: last.toolCalls[0]!.end, text: "\\boxed{25}", next: "end" },
  });
  assert.equal(rolloutOf(end1).trajectory.stopReason, "completed");

  const step = await run.step();
  const sampled = end1.rollouts.reduce((sum, one) => sum + one.trajectory.sampledCount, 0);
  assert.deepEqual([step.step, step.metrics.tokens], [1, sampled]);
  assert.ok(step.metrics.ratioDeviation < 1e-4, "what the policy sampled after the change is its own");
  assert.equal(run.status, "paused");
  await run.resume();
  await run.done;
  const events = await (await Run.open(folder)).events();
  const told = events.flatMap((event) =>
    event.type === "intervention" ? [[event.step, event.edit.kind, event.by]] : [],
  );
  assert.deepEqual(told, [
    [1, "write", "this notebook"],
    [1, "output", "a page"],
    [1, "code", "this notebook"],
    [1, "write", "this notebook"],
  ]);
  const order = events.map(({ type }) => type);
  assert.ok(
    order.indexOf("held") < order.indexOf("intervention") && order.indexOf("intervention") < order.indexOf("step"),
  );
  assert.deepEqual(
    events.flatMap((event) => (event.type === "step" ? [event.step] : [])),
    [1, 2, 3],
  );

  // An output that a person wrote is no tool's, also where tools' outputs are trained on.
  const withOutput = rolloutOf(written).trajectory.fork(start);
  withOutput.acceptToolOutput(edited!.result, "41", true);
  withOutput.noteForced(start, -1, 1);
  assert.equal(isTrained(withOutput, start, { maskToolTokens: false }), false);
  assert.equal(isTrained(trajectory, start, { maskToolTokens: false }), true);
  await trainer.close();
});

test("a step with interventions is made again bit for bit: rewound, resumed, repeated, replayed", async (t) => {
  const record = await runsFolder();
  const trainer = await make({ statefulCode: true, numGenerations: 2, maxLength: 64 });
  const run = trainer.start(2, { record });
  t.after(() => run.stop());
  await run.step(1);
  const batch = await run.hold();
  const { promptLength } = batch.rollouts[0]!.trajectory;
  const place = { group: 0, sample: 0 };
  const first = await run.intervene({
    ...place,
    edit: { kind: "write", token: promptLength, text: call("var x = 6") },
  });
  const { end } = first.rollouts[0]!.trajectory.toolCalls[0]!;
  const second = await run.intervene({ ...place, edit: { kind: "write", token: end, text: call("console.log(x*7)") } });
  assert.equal(second.rollouts[0]!.trajectory.toolCalls[1]!.feedback.trim(), "42", "variables of before are there");
  await run.resume();
  await run.done;
  const weights = await trainer.policy.weights();
  const { folder } = await trainer.openRun(record);

  // What is left is the checkpoint of the beginning: step 2 is made again each time.
  await rm(join(folder, "checkpoints", "step-000002"), { recursive: true });
  await trainer.rewind(2);
  assert.deepEqual(await trainer.policy.weights(), weights);
  const replay = await trainer.replay(2);
  assert.deepEqual([replay.rescored, replay.remarked, replay.differences, replay.alerts], [[], [], [], []]);
  assert.deepEqual(replay.weights, weights);
  const own = { interpreter, reward: byLength };
  const resumed = await Trainer.resume(folder, { ...own, step: 2 });
  assert.deepEqual(await resumed.policy.weights(), weights);
  const create = (parts: TrainerOptions, settings: object) => new Trainer({ ...settings, ...parts });
  const repetition = await repeatRun(folder, create as never, { ...own, folder: await runsFolder() });
  assert.deepEqual([repetition.metrics, repetition.steps], [[], 2]);
  // The repetition has recorded what was changed, and can itself be gone back in.
  const again = await Trainer.resume(repetition.run.folder, { ...own, step: 2 });
  assert.deepEqual(await again.policy.weights(), weights);
  assert.equal((await repetition.run.timeline()).interventions.length, 2);

  // Left behind, the changes do not come back.
  await resumed.rewind(1);
  await resumed.train(1).done();
  assert.notDeepEqual(await resumed.policy.weights(), weights);
  assert.deepEqual((await (await resumed.openRun(record)).timeline()).interventions, []);
  for (const one of [trainer, resumed, again]) await one.close();
});

test("what does not fit is refused, and the batch is what it was", async (t) => {
  const record = await runsFolder();
  const trainer = await make();
  const run = trainer.start(2, { record });
  t.after(() => run.stop());
  const write = { kind: "write", token: 30, text: "So" } as const;
  await assert.rejects(run.intervene({ group: 0, sample: 0, edit: write }), /No step is held/);
  const batch = await run.hold();
  const { promptLength, length } = batch.rollouts[0]!.trajectory;
  const change = (edit: object, where = { group: 0, sample: 0 }) => run.intervene({ ...where, edit } as never);
  await assert.rejects(change(write, { group: 7, sample: 0 }), /Step 1 has no rollout 7\/0/);
  await assert.rejects(change({ ...write, token: promptLength - 1 }), /token must lie between/);
  await assert.rejects(change({ ...write, token: length + 1 }), /token must lie between/);
  await assert.rejects(change({ ...write, token: length }), /has ended at token/);
  await assert.rejects(change({ ...write, token: promptLength, text: "" }), /Nothing was written/);
  await assert.rejects(change({ ...write, token: promptLength, text: "日" }), /tokenizer cannot write "日"/);
  await assert.rejects(change({ kind: "output", turn: 9, text: "1" }), /turn 9 is none/);
  await assert.rejects(change({ kind: "code", turn: 9, text: "1" }), /Turn 9 of this rollout has no code/);
  await assert.rejects(change({ kind: "erase" }), { name: "InvalidInputError" });
  await assert.rejects(run.hold(), /Step 1 is held already/);
  await assert.rejects(run.mark("now"), /between two steps/);
  await assert.rejects(run.rewind(0), /between two steps/);
  const { folder } = await trainer.openRun(record);
  // From another process: through the command file, which the page writes too, and with the command.
  for (const command of [{ type: "checkpoint", label: "now" } as const, { type: "rewind", step: 0 } as const]) {
    const refused = await waitForAnswer(folder, await sendCommand(folder, command));
    assert.ok(refused!.type === "command-refused" && /between two steps, and step 1 is held/.test(refused!.text));
  }
  for (const args of [
    ["mark", folder, "now"],
    ["rewind", folder, "0"],
  ]) {
    const { code, err } = await cirlab("runs", ...args);
    assert.equal(code, 1);
    assert.match(err, /between two steps, and step 1 is held in its middle/);
  }
  // The trainer's own methods do not wait for a step that itself waits.
  for (const wanted of [
    () => trainer.checkpoint(),
    () => trainer.save(),
    () => trainer.rewind(0),
    () => trainer.fork(),
    () => trainer.trainStep(),
    () => trainer.update(batch, trainer.advantages(batch)),
    () => trainer.replay(1),
    () => trainer.close(),
  ])
    await assert.rejects(wanted(), /between two steps, and step 1 is held/);
  const edit = { ...write, token: promptLength };
  const late = await sendCommand(folder, { type: "intervene", step: 9, group: 0, sample: 0, edit });
  const answer = await waitForAnswer(folder, late);
  assert.ok(answer!.type === "command-refused" && /Step 1 is held, not step 9/.test(answer!.text));
  await run.stop();
  assert.deepEqual([trainer.step, run.status], [1, "stopped"]);
  const untouched = await make();
  await untouched.train(1, { record: false }).done();
  assert.deepEqual(await trainer.policy.weights(), await untouched.policy.weights(), "holding alone changes nothing");
  await Promise.all([trainer.close(), untouched.close()]);
});
