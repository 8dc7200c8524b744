import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf } from "../../src/base/files.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import type { DecoderConfig } from "../../src/nn/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { recipes } from "../../src/recipes/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { sft } from "../../src/training/sft.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { type Bench, type BenchContext, type BenchTable, interleave, seconds } from "./measure.ts";
import { benchPolicy } from "./models.ts";

const taskset = tasks.arithmetic();
const steps = 10;

/** Recording and display, checkpoints, going back, and what collecting beside the update would gain. */
export const bench: Bench = async (context) => {
  const box = await mkdtemp(join(tmpdir(), "cirlab-bench-"));
  const python = await PythonInterpreter.start();
  const parts = { interpreter: python, taskset };
  try {
    const lab = new Lab({ seed: 80, device: "cpu", threads: context.threads });
    const base = await Policy.create("tiny-math", { lab });
    // Enough to write code and to end: rollouts of ordinary length.
    await sft({ lab, policy: base, interpreter: python, taskset, steps: 150, pretraining: 1 });
    const weights = await base.weights();
    const trainerWith = async (threads: number): Promise<Trainer> => {
      const own = new Lab({ seed: 80, device: "cpu", threads });
      const policy = await Policy.fromWeights(base.name, own, base.config, base.tokenizer, weights);
      return new Trainer({ ...recipes.cir(), checkpointEvery: 20, ...parts, lab: own, policy });
    };
    return [
      await recording(context, trainerWith, box),
      await checkpoints(context, parts, box),
      await asyncCollection(context, trainerWith),
    ];
  } finally {
    await python.close();
    await rm(box, { recursive: true, force: true });
  }
};

/** The same steps with panel and recording, and bare. */
async function recording(
  context: BenchContext,
  trainerWith: (threads: number) => Promise<Trainer>,
  folder: string,
): Promise<BenchTable> {
  const trainer = await trainerWith(context.threads);
  const start = await trainer.checkpoint();
  await trainer.trainStep();
  const { recorded, bare } = await interleave(context, "recording", {
    recorded: async () => {
      await trainer.restore(start);
      return (1000 * (await seconds(() => trainer.train(steps, { record: folder }).done()))) / steps;
    },
    bare: async () => {
      await trainer.restore(start);
      const all = async () => {
        for (let step = 0; step < steps; step++) await trainer.trainStep();
      };
      return (1000 * (await seconds(all))) / steps;
    },
  });
  await trainer.close();
  const what = "a step of the CIR recipe with panel, recorded rollouts and events";
  return {
    title: "Recording and display",
    peer: { name: "bare steps" },
    rows: [{ what, unit: "ms", ours: recorded, peer: bare }],
  };
}

/** Width 256, eight layers: 5.3 million parameters. */
const fiveMillion: DecoderConfig = {
  vocabSize: tinyMathTokenizer().vocabSize,
  hiddenSize: 256,
  numLayers: 8,
  numHeads: 8,
  numKeyValueHeads: 4,
  headDim: 32,
  intermediateSize: 600,
  ropeTheta: 10_000,
  rmsNormEps: 1e-6,
  maxLength: 96,
  tieWordEmbeddings: true,
  qkvBias: true,
};

async function checkpoints(
  context: BenchContext,
  parts: { interpreter: PythonInterpreter; taskset: typeof taskset },
  folder: string,
): Promise<BenchTable> {
  const shape = { training: { rows: 4, length: 96 }, generation: { rows: 4, prompt: 32, newTokens: 64 } };
  const policy = await benchPolicy({ name: "d256 L8", config: fiveMillion, ...shape }, context.threads);
  const small = { promptsPerStep: 2, numGenerations: 2, miniBatches: 1, checkpointEvery: 1 };
  const lab = new Lab({ seed: 80, device: "cpu", threads: context.threads });
  const trainer = new Trainer({ ...recipes.cir(), ...small, ...parts, lab, policy });
  await trainer.train(2, { record: folder }).done();
  const run = trainer.start(1_000, { record: folder });
  await run.pause();
  // The same step again and again: as with old checkpoints removed, the disk's blocks are in use already.
  await run.mark("bench");
  const { files } = await trainer.save();
  const { marked, written } = await interleave(context, "checkpoint", {
    marked: async () => 1000 * (await seconds(() => run.mark("bench"))),
    written: async () => {
      await rm(join(folder, "written"), { recursive: true, force: true });
      return 1000 * (await seconds(() => writeAll(join(folder, "written"), Object.values(files).map(bytesOf))));
    },
  });
  await run.stop();
  const goingBack: number[] = [];
  const last = trainer.step;
  for (let round = 0; round < context.rounds; round++) {
    goingBack.push(1000 * (await seconds(() => trainer.rewind(1))));
    await trainer.rewind(last);
  }
  await trainer.close();
  const count = Object.values(policy.parameters).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const size = `${(count / 1e6).toFixed(1)} million parameters`;
  return {
    title: "Checkpoints",
    peer: { name: "the same bytes, ready in memory, written and flushed" },
    rows: [
      { what: `checkpoint with optimizer, on disk, ${size}`, unit: "ms", ours: marked, peer: written },
      { what: `rewind to a step with a checkpoint, ${size}`, unit: "ms", ours: goingBack, peer: [] },
    ],
  };
}

async function writeAll(folder: string, files: readonly Uint8Array[]): Promise<void> {
  await mkdir(folder);
  const writing = files.map(async (data, i) => {
    const file = await open(join(folder, String(i)), "w");
    await file.writeFile(data);
    await file.datasync();
    await file.close();
  });
  await Promise.all(writing);
}

/**
 * The most that collecting the next batch beside the update could gain: both at once, a core for each, without the copy of
 * the weights and the correction for staleness that it would need besides.
 */
async function asyncCollection(
  context: BenchContext,
  trainerWith: (threads: number) => Promise<Trainer>,
): Promise<BenchTable> {
  const both = await trainerWith(context.threads);
  const each = Math.max(1, Math.floor(context.threads / 2));
  const [collector, learner] = [await trainerWith(each), await trainerWith(each)];
  const batch = await both.collect();
  const start = await both.checkpoint();
  const advantages = both.advantages(batch);
  for (const trainer of [both, learner]) await trainer.update(batch, advantages);
  await collector.collect();
  const { beside, inTurn } = await interleave(context, "async collection", {
    beside: async () => {
      await learner.restore(start);
      return 1000 * (await seconds(() => Promise.all([collector.collect(), learner.update(batch, advantages)])));
    },
    inTurn: async () => {
      await both.restore(start);
      return (
        1000 *
        (await seconds(async () => {
          await both.collect();
          await both.update(batch, advantages);
        }))
      );
    },
  });
  for (const trainer of [both, collector, learner]) await trainer.close();
  const what = `collecting (${each} thread) beside the update (${each} thread)`;
  return {
    title: "Asynchronous collection",
    peer: { name: `one after the other, ${context.threads} threads` },
    rows: [{ what, unit: "ms", ours: beside, peer: inTurn }],
  };
}
