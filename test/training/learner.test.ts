import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabContext } from "../../src/base/context.ts";
import { CheckpointError, InvalidInputError } from "../../src/base/errors.ts";
import { Run } from "../../src/recording/index.ts";
import type { Learner, LearnerStep } from "../../src/training/learner.ts";
import { bringTo } from "../../src/training/rewind.ts";
import { RunHandle } from "../../src/training/run-handle.ts";
import { TrainRun } from "../../src/training/train-run.ts";
import { supervisedLab } from "./supervised-tools.ts";
import { runsFolder } from "./time-tools.ts";

/** Fits y = a x + b by gradient descent on noisy points: a learner with neither policy, rollouts nor text. */
class LineFit implements Learner {
  readonly lab: LabContext = supervisedLab;
  readonly title = "A line";
  readonly view = { curves: [{ key: "loss" }], line: ({ loss }: Readonly<Record<string, number>>) => [`loss ${loss}`] };
  config = {
    learningRate: 0.1,
    checkpointEvery: 2,
    checkpoints: { keepLast: 20, keepEvery: 0, maxBytes: 1e9 },
  };
  step = 0;
  version = 0;
  weights = [0, 0];
  #run: Run | undefined;

  configure(changes: Readonly<Record<string, unknown>>): void {
    const config = { ...this.config, ...changes };
    if (!(config.learningRate > 0)) throw new InvalidInputError(`learningRate was ${config.learningRate}.`);
    this.config = config;
  }

  async trainStep(): Promise<LearnerStep> {
    const stream = this.lab.random("points", this.step);
    const [a, b] = this.weights as [number, number];
    let [loss, byA, byB] = [0, 0, 0];
    for (let i = 0; i < 32; i++) {
      const x = 2 * stream.next() - 1;
      const error = a * x + b - (3 * x - 1 + 0.01 * stream.normal());
      loss += error ** 2 / 32;
      byA += (2 * error * x) / 32;
      byB += (2 * error) / 32;
    }
    const { learningRate } = this.config;
    this.weights = [a - learningRate * byA, b - learningRate * byB];
    this.step++;
    this.version++;
    return { step: this.step, metrics: { loss }, alerts: [], seconds: { update: 0 } };
  }

  async save() {
    const state = { step: this.step, policyVersion: this.version, weights: this.weights };
    return { step: this.step, files: { "trainer.json": JSON.stringify(state) } };
  }

  async load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    if (!files["trainer.json"]) throw new CheckpointError(`${where} has no trainer.json.`);
    const { step, policyVersion, weights } = JSON.parse(new TextDecoder().decode(files["trainer.json"]));
    Object.assign(this, { step, version: policyVersion, weights });
  }

  async openRun(folder: string | Run): Promise<Run> {
    this.#run ??= folder instanceof Run ? folder : await Run.create({ folder, name: "line", config: this.config });
    return this.#run;
  }
}

test("whatever learns step by step has the loop, the commands, the recording and the way back", async () => {
  const record = await runsFolder();
  const line = new LineFit();
  for await (const { step } of new TrainRun<LearnerStep>(line, 100, { record })) if (step === 5) break;
  const atFive = [...line.weights];
  const handle = new RunHandle<LearnerStep, LineFit["config"]>(line, 1000, { record });
  await handle.pause();
  await assert.rejects(handle.set({ learningRate: -1 }), /learningRate was -1/);
  await handle.set({ learningRate: 0.5 });
  await handle.mark("steeper");
  const paused = line.step;
  assert.equal((await handle.step(3)).step, paused + 3);
  await handle.stop();
  assert.ok(Math.abs(line.weights[0]! - 3) < 1 && handle.status === "stopped");
  const last = [...line.weights];

  const run = await line.openRun(record);
  const { changes, marked, step } = await run.timeline();
  assert.equal(step, paused + 3);
  assert.deepEqual(changes, [{ step: paused, changes: { learningRate: 0.5 } }]);
  assert.equal(marked.get(paused), "steeper");
  assert.deepEqual(await run.rolloutSteps(), []);
  const steps = (await run.events()).filter(({ type }) => type === "step");
  assert.deepEqual(Object.keys((steps[0] as { metrics: object }).metrics), ["loss", "secondsUpdate"]);

  const again = new LineFit();
  again.configure({ learningRate: 0.5 });
  await bringTo(again, run, step);
  assert.deepEqual(again.weights, last);
  await bringTo(again, run, 5);
  assert.deepEqual(again.weights, atFive);
  assert.equal(again.config.learningRate, 0.5);
});
