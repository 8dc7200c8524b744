import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { grad } from "../../src/graph/grad.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { type LossAggregation, lossAggregations, tokenWeights } from "../../src/training/objectives/aggregation.ts";
import { composeObjective, type ObjectiveShape } from "../../src/training/objectives/compose.ts";
import { type PolicyLossName, policyLosses } from "../../src/training/objectives/index.ts";
import { klEstimate, klForms } from "../../src/training/objectives/kl.ts";
import type { PolicyLoss } from "../../src/training/objectives/types.ts";
import { runGraph, type Values } from "../graph/runtime.ts";

const rows = 3;
const length = 5;
const N = rows * length;

/** Random tokens of three sequences with 4, 5 and 2 trained ones. */
function batch(seed = 1, spread = 0.5) {
  const stream = new RandomStream(seed, "objective");
  const draw = (scale: number, middle = 0) => Float64Array.from({ length: N }, () => middle + scale * stream.normal());
  const logprobs = draw(0.5, -1.5);
  const mask = Float32Array.from({ length: N }, (_, i) => (i % length < [4, 5, 2][Math.floor(i / length)]! ? 1 : 0));
  const drift = draw(spread);
  const reference = draw(0.3);
  return {
    logprobs,
    entropy: draw(0.1, 1),
    mask,
    advantages: draw(1),
    oldLogprobs: logprobs.map((value, i) => value + drift[i]!),
    refLogprobs: logprobs.map((value, i) => value + reference[i]!),
  };
}
type Tokens = ReturnType<typeof batch>;

const settings: Record<string, number> = {
  clipRatioLow: 0.2,
  clipRatioHigh: 0.28,
  clipRatioDual: 3,
  sapoTauPositive: 1,
  sapoTauNegative: 1.05,
  covRatio: 0.3,
  covLow: -1,
  covHigh: 1,
  covKlCoef: 0.7,
};

/** Runs an objective in float64 on log-probs given as an input, and its gradient by them. */
async function run(
  name: PolicyLossName,
  tokens: Tokens,
  shape: Partial<ObjectiveShape> = {},
  extra: Record<string, Values | number> = {},
) {
  const graph = new Graph("objective", { dtype: "float64" });
  const input = (key: string) => graph.input(key, [N]);
  const logprobs = input("logprobs");
  const entropy = input("entropy");
  const loss: PolicyLoss = policyLosses[name];
  const layout = { batchSize: rows, sequenceLength: length };
  const terms = composeObjective({ loss, entropyBonus: false, weighted: false, ...shape })({
    graph,
    logprobs,
    entropy,
    mask: input("mask"),
    normalizer: graph.input("normalizer", []),
    layout,
  });
  graph.output("loss", terms.loss);
  for (const [key, tensor] of Object.entries({ ...terms.metrics, ...terms.perToken })) graph.output(key, tensor);
  const [byLogprobs, byEntropy] = grad(terms.loss, [logprobs, entropy]);
  graph.output("gradient", byLogprobs!);
  graph.output("entropyGradient", byEntropy!);
  const trained = tokens.mask.reduce((sum, value) => sum + value, 0);
  const stream = new RandomStream(9, "draws");
  const selected = loss.select
    ? loss.select(
        {
          advantages: tokens.advantages,
          logprobs: tokens.oldLogprobs,
          mask: tokens.mask,
          random: () => stream.next(),
        },
        settings,
      )
    : undefined;
  const values: Record<string, Values | number> = {
    ...tokens,
    ...(selected && { selected }),
    ...Object.fromEntries(loss.settings.map((key) => [key, settings[key]!])),
    normalizer: 1 / trained,
    maxRatioDeviation: 1e30,
    ...extra,
  };
  const known = Object.fromEntries(Object.entries(values).filter(([key]) => graph.inputs.has(key)));
  return { outputs: await runGraph(graph, known), selected };
}

const near = (actual: number, expected: number, what: string, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} is not ${expected}`,
  );

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const { clipRatioLow: low, clipRatioHigh: high, clipRatioDual: dual } = settings as Record<string, number>;

/** Each loss's term and its derivative by the log-prob, written again for single numbers. */
type Reference = (x: {
  logprob: number;
  ratio: number;
  sequenceRatio: number;
  advantage: number;
  selected: number;
}) => [term: number, slope: number];
const references: Record<PolicyLossName, Reference> = {
  "ppo-clip": ({ ratio, advantage: A }) => {
    const limited = clamp(ratio, 1 - low!, 1 + high!);
    let [term, slope] = -A * ratio >= -A * limited ? [-A * ratio, -A * ratio] : [-A * limited, 0];
    if (A < 0 && term > -A * dual!) [term, slope] = [-A * dual!, 0];
    return [term, slope];
  },
  gspo: ({ sequenceRatio: s, advantage: A }) => {
    const limited = clamp(s, 1 - low!, 1 + high!);
    return -A * s >= -A * limited ? [-A * s, -A * s] : [-A * limited, 0];
  },
  cispo: ({ logprob, ratio, advantage: A }) => {
    const weight = clamp(ratio, 1 - low!, 1 + high!);
    return [-weight * A * logprob, -weight * A];
  },
  sapo: ({ ratio, advantage: A }) => {
    const tau = A > 0 ? settings.sapoTauPositive! : settings.sapoTauNegative!;
    const gate = 1 / (1 + Math.exp(-tau * (ratio - 1)));
    return [(-A * 4 * gate) / tau, -A * 4 * gate * (1 - gate) * ratio];
  },
  "clip-cov": ({ ratio, advantage: A, selected }) => {
    if (selected) return [0, 0];
    const limited = clamp(ratio, 1 - low!, 1 + high!);
    return -A * ratio >= -A * limited ? [-A * ratio, -A * ratio] : [-A * limited, 0];
  },
  "kl-cov": ({ logprob, ratio, advantage: A, selected }) => {
    const drift = Math.log(ratio);
    void logprob;
    const penalty = selected * settings.covKlCoef!;
    return [-A * ratio + penalty * Math.abs(drift), -A * ratio + penalty * Math.sign(drift)];
  },
  "off-policy-clip": ({ ratio, advantage: A }) => {
    const limited = clamp(ratio, 1 - low!, 1 + high!);
    return [-A * limited, limited === ratio ? -A * ratio : 0];
  },
  "policy-gradient": ({ logprob, advantage: A }) => [-A * logprob, -A],
};

for (const name of Object.keys(policyLosses) as PolicyLossName[])
  test(`${name}: terms, loss and gradient are the formula's`, async () => {
    for (const seed of [1, 2, 3]) {
      const tokens = batch(seed);
      const { outputs, selected } = await run(name, tokens);
      const trained = tokens.mask.reduce((sum, value) => sum + value, 0);
      let loss = 0;
      for (let i = 0; i < N; i++) {
        if (!tokens.mask[i]) {
          assert.equal(outputs.gradient![i]! + 0, 0, `token ${i} is not trained on`);
          continue;
        }
        const row = Math.floor(i / length);
        const members = Array.from({ length }, (_, t) => row * length + t).filter((j) => tokens.mask[j]);
        const drift =
          members.reduce((sum, j) => sum + tokens.logprobs[j]! - tokens.oldLogprobs[j]!, 0) / members.length;
        const [term, slope] = references[name]({
          logprob: tokens.logprobs[i]!,
          ratio: Math.exp(tokens.logprobs[i]! - tokens.oldLogprobs[i]!),
          sequenceRatio: Math.exp(drift),
          advantage: tokens.advantages[i]!,
          selected: selected?.[i] ?? 0,
        });
        near(outputs.lossTerm![i]!, term, `term of token ${i}`);
        near(outputs.gradient![i]! * trained, slope, `slope of token ${i}`);
        loss += term / trained;
      }
      near(outputs.loss![0]!, loss, "loss");
    }
  });

test("zero advantages give zero gradient in every loss without a penalty", async () => {
  for (const name of Object.keys(policyLosses) as PolicyLossName[]) {
    if (name === "kl-cov") continue;
    const { outputs } = await run(name, { ...batch(), advantages: new Float64Array(N) });
    assert.ok(
      outputs.gradient!.every((value) => value === 0),
      name,
    );
  }
});

test("on-policy, every ratio loss has the policy gradient", async () => {
  const tokens = { ...batch(), oldLogprobs: batch().logprobs };
  const plain = (await run("policy-gradient", tokens)).outputs.gradient!;
  for (const name of ["ppo-clip", "gspo", "cispo", "sapo", "off-policy-clip"] as const) {
    const { gradient } = (await run(name, tokens)).outputs;
    plain.forEach((value, i) => {
      near(gradient![i]!, value, `${name}, token ${i}`);
    });
  }
});

test("Clip-Cov draws from the band, KL-Cov takes the largest", async () => {
  const tokens = batch();
  const trained = Array.from(tokens.mask.keys()).filter((i) => tokens.mask[i]);
  const mean = (values: ArrayLike<number>) => trained.reduce((sum, i) => sum + values[i]!, 0) / trained.length;
  const [a, l] = [mean(tokens.advantages), mean(tokens.oldLogprobs)];
  const covariance = (i: number) => (tokens.advantages[i]! - a) * (tokens.oldLogprobs[i]! - l);
  const chosen = (marks: Float32Array | undefined) => trained.filter((i) => marks![i]);
  const clipped = chosen((await run("clip-cov", tokens)).selected);
  assert.equal(clipped.length, 3, "floor(0.3 · 11)");
  for (const i of clipped) assert.ok(covariance(i) > settings.covLow! && covariance(i) < settings.covHigh!);
  const penalised = chosen((await run("kl-cov", tokens)).selected);
  const rest = trained.filter((i) => !penalised.includes(i));
  assert.equal(penalised.length, 3);
  assert.ok(Math.min(...penalised.map(covariance)) >= Math.max(...rest.map(covariance)));
});

test("KL in the loss: value and gradient of k1, k2, k3", async () => {
  const tokens = batch();
  const slopes = { k1: () => 1, k2: (d: number) => d, k3: (d: number) => 1 - Math.exp(-d) };
  const plain = (await run("ppo-clip", tokens)).outputs;
  for (const form of klForms) {
    const { outputs } = await run("ppo-clip", tokens, { kl: form }, { klCoef: 0.05 });
    let mean = 0;
    for (let i = 0; i < N; i++) {
      if (!tokens.mask[i]) continue;
      const d = tokens.logprobs[i]! - tokens.refLogprobs[i]!;
      mean += klEstimate(form, tokens.logprobs[i]!, tokens.refLogprobs[i]!) / 11;
      near(outputs.gradient![i]! * 11, plain.gradient![i]! * 11 + 0.05 * slopes[form](d), `${form}, token ${i}`);
    }
    near(outputs.refKl![0]!, mean, form);
    near(outputs.loss![0]!, plain.loss![0]! + 0.05 * mean, `loss with ${form}`);
  }
  // A tool's token may be as good as impossible for the policy.
  const odd = { ...tokens, logprobs: tokens.logprobs.map((value, i) => (tokens.mask[i] ? value : -800)) };
  odd.refLogprobs = tokens.refLogprobs.map((value, i) => (tokens.mask[i] ? value : 0));
  for (const kl of klForms) {
    const [one, other] = [tokens, odd].map((some) => run("ppo-clip", some, { kl }, { klCoef: 0.05 }));
    const [wanted, { outputs }] = [(await one!).outputs, await other!];
    near(outputs.loss![0]!, wanted.loss![0]!, `loss with ${kl} beside an impossible token`);
    assert.ok(outputs.gradient!.every(Number.isFinite), `the gradient of ${kl} beside an impossible token`);
  }
  assert.ok(klEstimate("k3", -1, -3) > 0 && klEstimate("k3", -3, -1) > 0, "k3 is never negative");
});

test("the entropy bonus lowers the loss by the mean entropy and pushes entropy up", async () => {
  const tokens = batch();
  const plain = (await run("ppo-clip", tokens)).outputs;
  const { outputs } = await run("ppo-clip", tokens, { entropyBonus: true }, { entropyCoef: 0.01 });
  const trained = Array.from(tokens.mask.keys()).filter((i) => tokens.mask[i]);
  const mean = trained.reduce((sum, i) => sum + tokens.entropy[i]!, 0) / trained.length;
  near(outputs.loss![0]!, plain.loss![0]! - 0.01 * mean, "loss");
  for (const i of trained) near(outputs.entropyGradient![i]!, -0.01 / 11, `token ${i}`);
});

test("aggregations: each is its formula", async () => {
  const tokens = batch();
  const terms = (await run("ppo-clip", tokens)).outputs.lossTerm!;
  const perRow = Array.from({ length: rows }, (_, row) => {
    const members = Array.from({ length }, (_, t) => row * length + t).filter((i) => tokens.mask[i]);
    return { sum: members.reduce((sum, i) => sum + terms[i]!, 0), count: members.length };
  });
  const over = (value: (row: { sum: number; count: number }) => number) =>
    perRow.reduce((sum, row) => sum + value(row), 0);
  const expected: Record<LossAggregation, number> = {
    "token-mean": over(({ sum }) => sum) / 11,
    "seq-mean-token-sum": over(({ sum }) => sum) / 3,
    "seq-mean-token-mean": over(({ sum, count }) => sum / count) / 3,
    "seq-mean-token-sum-norm": over(({ sum }) => sum / 96) / 3,
  };
  for (const aggregation of lossAggregations) {
    const weights = tokenWeights(aggregation, tokens.mask, { rows, length, maxLength: 96 });
    const { outputs } = await run("ppo-clip", tokens, { weighted: true }, { tokenWeights: weights });
    near(outputs.loss![0]!, expected[aggregation], aggregation, 1e-6);
  }
});

test("sequences without a trained token count nowhere", () => {
  const mask = Float32Array.of(1, 1, 0, 0, 0, 0);
  const weights = tokenWeights("seq-mean-token-mean", mask, { rows: 3, length: 2, maxLength: 2 });
  assert.deepEqual(Array.from(weights), [1, 1, 0, 0, 0, 0]);
});

/** Objectives with everything in them that may look at a token. */
const shapes: readonly [Partial<ObjectiveShape>, Record<string, Values | number>][] = [
  [{}, {}],
  [
    { kl: "k3", entropyBonus: true, importance: true },
    { klCoef: 0.05, entropyCoef: 0.01, importance: new Float64Array(N).fill(0.7) },
  ],
];

test("whatever stands at tokens that are not trained on, such as tools', changes nothing", async () => {
  const tokens = batch();
  const stream = new RandomStream(11, "tool");
  const other = Object.fromEntries(
    Object.entries(tokens).map(([name, values]) => [
      name,
      name === "mask"
        ? values
        : Float64Array.from(values, (value, i) => (tokens.mask[i] ? value : stream.normal() - 2)),
    ]),
  ) as Tokens;
  for (const name of Object.keys(policyLosses) as PolicyLossName[])
    for (const [shape, extra] of shapes) {
      const [one, changed] = [
        (await run(name, tokens, shape, extra)).outputs,
        (await run(name, other, shape, extra)).outputs,
      ];
      for (const [output, values] of Object.entries(one))
        values.forEach((value, i) => {
          if (values.length === N && !tokens.mask[i]) return;
          near(changed[output]![i]!, value, `${name}: ${output} ${i}`, 1e-12);
        });
    }
});

test("advantages times seven give a loss and a gradient times seven, wherever no penalty stands beside them", async () => {
  const tokens = batch();
  const scaled = { ...tokens, advantages: tokens.advantages.map((value) => 7 * value) };
  for (const name of Object.keys(policyLosses) as PolicyLossName[]) {
    // Their choice of tokens depends on the size of the advantages.
    if (name === "clip-cov" || name === "kl-cov") continue;
    const [one, seven] = [(await run(name, tokens)).outputs, (await run(name, scaled)).outputs];
    near(seven.loss![0]!, 7 * one.loss![0]!, name);
    seven.gradient!.forEach((value, i) => {
      near(value, 7 * one.gradient![i]!, `${name}, token ${i}`);
    });
  }
});

test("a weight of the correction scales the policy loss of its token alone", async () => {
  const tokens = batch();
  const importance = Float64Array.from({ length: N }, (_, i) => 0.5 + i / N);
  const kl = { kl: "k2", entropyBonus: true } as const;
  const coefficients = { klCoef: 0.05, entropyCoef: 0.01 };
  for (const name of ["ppo-clip", "gspo", "cispo"] as const) {
    const plain = (await run(name, tokens)).outputs;
    const beside = (await run(name, tokens, kl, coefficients)).outputs;
    const { outputs } = await run(name, tokens, { ...kl, importance: true }, { ...coefficients, importance });
    for (let i = 0; i < N; i++) {
      if (!tokens.mask[i]) continue;
      const extra = beside.lossTerm![i]! - plain.lossTerm![i]!;
      near(outputs.lossTerm![i]!, importance[i]! * plain.lossTerm![i]! + extra, `${name}, term ${i}`);
      const slope = beside.gradient![i]! - plain.gradient![i]!;
      if (name !== "gspo")
        near(outputs.gradient![i]!, importance[i]! * plain.gradient![i]! + slope, `${name}, slope ${i}`);
    }
  }
});
