import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { checkSampling, sampleToken } from "../../src/policy/sampling.ts";

const probabilities = [0.1, 0.4, 0.05, 0.45];
const logprobs = Float32Array.from(probabilities, Math.log);

test("tokens come as often as the distribution says", () => {
  const stream = new RandomStream(3, "check");
  const counts = [0, 0, 0, 0];
  const n = 20_000;
  for (let i = 0; i < n; i++) counts[sampleToken(logprobs, stream.next(), checkSampling({}))]!++;
  const chi = counts.reduce((sum, count, i) => sum + (count - n * probabilities[i]!) ** 2 / (n * probabilities[i]!), 0);
  assert.ok(chi < 16.3, `chi-square ${chi}`); // 3 degrees of freedom, 0.1 %
});

test("top-p keeps the smallest set that reaches p, in the right proportion", () => {
  const stream = new RandomStream(4, "check");
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 10_000; i++) counts[sampleToken(logprobs, stream.next(), checkSampling({ topP: 0.8 }))]!++;
  assert.equal(counts[0], 0);
  assert.equal(counts[2], 0);
  assert.ok(Math.abs(counts[1]! / 10_000 - 0.4 / 0.85) < 0.02);
});

test("temperature 0 takes the most likely token whatever the noise", () => {
  for (const noise of [0, 0.5, 0.999]) assert.equal(sampleToken(logprobs, noise, checkSampling({ temperature: 0 })), 3);
});

test("noise at the very end still gives a token of the set", () => {
  assert.equal(sampleToken(logprobs, 1 - 2 ** -53, checkSampling({})), 3);
});

test("meaningless settings are refused", () => {
  assert.throws(() => checkSampling({ temperature: -1 }), /temperature.*-1/);
  assert.throws(() => checkSampling({ temperature: Number.NaN }), /temperature/);
  assert.throws(() => checkSampling({ topP: 0 }), /topP.*0/);
});
