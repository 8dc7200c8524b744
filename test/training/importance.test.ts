import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grad } from "../../src/graph/grad.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import type { Batch } from "../../src/training/batch.ts";
import { culprits } from "../../src/training/guards/culprits.ts";
import { composeObjective } from "../../src/training/objectives/compose.ts";
import { ImportanceTotals, importanceLevels, importanceRatios } from "../../src/training/objectives/importance.ts";
import { policyLosses } from "../../src/training/objectives/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import type { Trainer } from "../../src/training/trainer.ts";
import { runGraph } from "../graph/runtime.ts";
import { smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());

const near = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number, what: string) =>
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `${what} ${i}: ${actual[i]} is not ${value}`);
  });

// Two sequences of three and two tokens. The expected values are PyTorch's in float64, by autograd.
const tokens = {
  logprobs: [-0.5, -1.2, -0.3, -2, -0.9],
  oldLogprobs: [-0.6, -1, -0.4, -1.5, -0.9],
  behaviour: [-1.6, -0.8, -0.4, -3, -0.7],
  advantages: [1, -0.5, 0.8, 1.5, -2],
};
const expected = {
  token: {
    ratios: [Math.E, 0.8187307531, 1, 4.4816890703, 0.8187307531],
    loss: -0.588289804115,
    gradient: [-0.44206836723, 0.067032004604, -0.176827346892, -0.363918395828, 0.327492301231],
    metrics: { importanceMean: 1.9674864809906147, importanceMax: 4.4816890703380645, importanceTruncated: 0.4 },
  },
  sequence: {
    ratios: [2.2255409285, 2.2255409285, 2.2255409285, 3.6692966676, 3.6692966676],
    loss: -0.195895306226,
    gradient: [-0.44206836723, 0.163746150616, -0.353654693784, -0.363918395828, 0.8],
    metrics: { importanceMean: 2.8030432241431784, importanceMax: 3.6692966676192436, importanceTruncated: 1 },
  },
};

test("truncated importance sampling: ratios, weighted loss and gradient are the formula's", async () => {
  const graph = new Graph("objective", { dtype: "float64" });
  const input = (name: string) => graph.input(name, [5]);
  const logprobs = input("logprobs");
  const { loss } = composeObjective({
    loss: policyLosses["ppo-clip"],
    entropyBonus: false,
    weighted: false,
    importance: true,
  })({
    graph,
    logprobs,
    entropy: input("entropy"),
    mask: input("mask"),
    normalizer: graph.input("normalizer", []),
    layout: { batchSize: 1, sequenceLength: 5 },
  });
  graph.output("loss", loss);
  graph.output("gradient", grad(loss, [logprobs])[0]!);
  const cap = 2;
  for (const level of importanceLevels) {
    const of = (places: number[]) =>
      importanceRatios(
        places.map((i) => tokens.oldLogprobs[i]! - tokens.behaviour[i]!),
        level,
      );
    const ratios = [...of([0, 1, 2]), ...of([3, 4])];
    near(ratios, expected[level].ratios, 1e-9, `${level} ratio`);
    const outputs = await runGraph(graph, {
      logprobs: tokens.logprobs,
      oldLogprobs: tokens.oldLogprobs,
      advantages: tokens.advantages,
      mask: [1, 1, 1, 1, 1],
      normalizer: 1 / 5,
      importance: ratios.map((ratio) => Math.min(ratio, cap)),
      clipRatioLow: 0.2,
      clipRatioHigh: 0.28,
      clipRatioDual: 3,
      maxRatioDeviation: 1e30,
    });
    near(outputs.loss!, [expected[level].loss], 1e-11, `${level} loss`);
    near(outputs.gradient!, expected[level].gradient, 1e-11, `${level} gradient`);
    const totals = new ImportanceTotals(cap);
    totals.add(Float32Array.from(ratios.slice(0, 3)), Float32Array.of(1, 1, 1));
    totals.add(Float32Array.from([...ratios.slice(3), 99]), Float32Array.of(1, 1, 0));
    const { metrics } = expected[level];
    near(Object.values(totals.metrics()), Object.values(metrics), 1e-6, `${level} metric`);
  }
});

const make = (settings: Partial<TrainerOptions> = {}) =>
  smallTrainer({ interpreter, warmupSteps: 0, guards: [], ...settings });

/** The weights of the policy loss that the objective's terms show: term over what the clip alone would give. */
async function weights(trainer: Trainer, batch: Batch): Promise<number[]> {
  const advantages = { estimator: "by hand", perRollout: new Float64Array(batch.rollouts.length).fill(1) };
  const { tokens } = await trainer.objective(batch, advantages);
  return tokens.map(({ ratio, lossTerm }) => -lossTerm / Math.min(ratio, 1.28));
}

test("rollouts of this very policy are weighted by exactly 1 and train as without", async () => {
  const corrected = await make({ importanceCap: 2 });
  const batch = await corrected.collect();
  assert.ok(batch.rollouts.every(({ oldLogprobs, trajectory }) => oldLogprobs!.length === trajectory.length));
  const update = await corrected.update(batch, corrected.advantages(batch));
  const { importanceMean, importanceMax, importanceTruncated } = update;
  assert.deepEqual([importanceMean, importanceMax, importanceTruncated], [1, 1, 0]);
  const plain = await make();
  const same = await plain.collect();
  const without = await plain.update(same, plain.advantages(same));
  assert.equal(without.importanceMean, undefined);
  near([update.loss, update.gradNorm], [without.loss, without.gradNorm], 1e-6, "figure");
});

test("rollouts of another version are weighted by how much likelier they are now, up to the cap", async () => {
  const trainer = await make({ importanceCap: 1.1, learningRate: 0.01 });
  const batch = await trainer.collect();
  await trainer.update(batch, trainer.advantages(batch));
  // Without a new score the batch is that of the policy before the update.
  const before = await weights(trainer, batch);
  near(before, new Array(before.length).fill(1), 1e-6, "weight");

  const stale = await trainer.score(batch);
  const behaviour = stale.rollouts.flatMap(({ trajectory, oldLogprobs }) =>
    trajectory.logprobs.flatMap((logprob, i) =>
      trajectory.sources[i] === "sampled" ? [oldLogprobs![i]! - logprob!] : [],
    ),
  );
  assert.ok(behaviour.some((difference) => difference > Math.log(1.1)) && behaviour.some((one) => one < -0.01));
  const now = await weights(trainer, stale);
  near(
    now,
    behaviour.map((difference) => Math.min(Math.exp(difference), 1.1)),
    1e-4,
    "weight",
  );
  const terms = await trainer.objective(stale, trainer.advantages(stale));
  assert.ok(terms.tokens.every(({ ratio }) => Math.abs(ratio - 1) < 1e-4));
  assert.ok(terms.metrics.ratioDeviation! < 1e-4);

  trainer.configure({ importanceLevel: "sequence", importanceCap: 1e9 });
  const bySequence = await weights(trainer, stale);
  const [first] = stale.rollouts;
  const count = first!.trajectory.sampledCount;
  const total = behaviour.slice(0, count).reduce((sum, one) => sum + one, 0);
  near(bySequence, new Array(count).fill(Math.exp(total)), 1e-3, "weight");
  const { importanceMax, importanceTruncated } = await trainer.update(stale, trainer.advantages(stale));
  assert.ok(importanceMax! > 1 && importanceTruncated === 0);

  // A token that its sampler hardly ever gave: an alert names its rollout.
  const { trajectory, group, sample } = stale.rollouts[4]!;
  const sampled = trajectory.sources.indexOf("sampled");
  trajectory.logprobs[sampled] = trajectory.logprobs[sampled]! - 9;
  assert.deepEqual(culprits("importanceMax", true, stale, undefined)[0], { group, sample });
});

test("rollouts that were scored without it are refused before anything is trained on them", async () => {
  const trainer = await make();
  const batch = await trainer.collect();
  trainer.configure({ importanceCap: 2 });
  const weightsBefore = await trainer.policy.weights();
  await assert.rejects(
    trainer.update(batch, trainer.advantages(batch)),
    /Rollout 0\/0 has no log-probs of the trainer's own.*trainer\.score\(batch\)/,
  );
  assert.deepEqual(await trainer.policy.weights(), weightsBefore);
  await trainer.update(await trainer.score(batch), trainer.advantages(batch));
});
