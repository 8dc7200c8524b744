import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { readSettingsSchema, sendCommand, stepsOf, waitForAnswer } from "../../src/recording/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

/** Figures that are the same whenever the same is done. */
const figures = (metrics: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith("seconds")));

test("a training that goes back to before it began still ends where it was to end", async () => {
  const interpreter = await PythonInterpreter.start({ lanes: 1 });
  const record = await runsFolder();
  const trainer = await smallTrainer({ interpreter });
  await trainer.train(3, { record }).done();
  const run = trainer.start(2, { record });
  await run.step();
  await run.rewind(1);
  await run.resume();
  const steps = await run.done;
  assert.deepEqual([steps.map(({ step }) => step), trainer.step, run.status], [[2, 3, 4, 5], 5, "completed"]);
  await trainer.close();
  await interpreter.close();
});

test("a training told to rewind goes back, trains the same steps again, and is taken up where it then stands", async () => {
  const interpreter = await PythonInterpreter.start({ lanes: 1 });
  const record = await runsFolder();
  const trainer = await smallTrainer({ interpreter, checkpointEvery: 2 });
  const run = trainer.start(5, { record });
  await run.pause();
  await run.step(4 - run.steps.length);
  const { folder } = await trainer.openRun(record);
  const before = run.steps.map(({ metrics }) => figures(metrics));
  assert.equal(before.length, 4);

  // From another process, to a step without a checkpoint of its own; then what cannot be.
  const answer = await waitForAnswer(folder, await sendCommand(folder, { type: "rewind", step: 3 }, { by: "a test" }));
  assert.equal(answer?.type, "command");
  assert.deepEqual([answer.step, answer.by, trainer.step, run.steps.length], [3, "a test", 3, 3]);
  await run.rewind(1);
  await assert.rejects(run.rewind(1), /Step 1 does not lie before step 1/);
  await assert.rejects(run.rewind(40), /does not lie before/);
  assert.equal(run.status, "paused");
  await run.step(2);
  assert.deepEqual(
    run.steps.map(({ metrics }) => figures(metrics)),
    before.slice(0, 3),
    "the same settings give the same steps",
  );

  await run.rewind(2);
  await run.set({ klCoef: 0.1 });
  await run.resume();
  const steps = await run.done;
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 3, 4, 5],
    "it goes on to where it was to end",
  );
  assert.notDeepEqual(figures(steps[3]!.metrics), before[3], "the change has an effect");

  const events = await (await trainer.openRun(record)).events();
  assert.deepEqual(
    events.flatMap((event) => (event.type === "rewound" ? [event.step] : [])),
    [3, 1, 2],
  );
  assert.deepEqual(
    stepsOf(events).map(({ step }) => step),
    [1, 2, 3, 4, 5],
  );
  assert.equal(events.find((event) => event.type === "run-started")!.count, 5);
  // The recording alone leads to the same state.
  const again = await Trainer.resume(folder, { interpreter, reward: byLength });
  const [next] = await again.train(1).done();
  const [own] = await trainer.fork({ record: false }).then((fork) => fork.train(1, { record: false }).done());
  assert.deepEqual(figures(next!.metrics), figures(own!.metrics));

  const schema = await readSettingsSchema(folder);
  assert.deepEqual(schema!.clipRatioLow, { type: "number", exclusiveMinimum: 0, maximum: 1, schedule: true });
  assert.deepEqual(schema!.klIn!.enum, ["loss", "reward"]);
  await interpreter.close();
});
