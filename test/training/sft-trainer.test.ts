import assert from "node:assert/strict";
import { test } from "node:test";
import { InterruptedError, InvalidInputError } from "../../src/base/errors.ts";
import { bytesOf } from "../../src/base/files.ts";
import { Lab } from "../../src/lab.ts";
import { BatchDecoder } from "../../src/policy/decoder.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { Run } from "../../src/recording/index.ts";
import { isTrained } from "../../src/training/batch.ts";
import { SftTrainer, type SftTrainerOptions } from "../../src/training/supervised/sft-trainer.ts";
import { sketch } from "./batch-tools.ts";
import { cirlab } from "./cirlab.ts";
import { supervisedLab as lab, smallPolicy } from "./supervised-tools.ts";
import { runsFolder } from "./time-tools.ts";

const sums = Array.from({ length: 24 }, (_, i) => ({
  prompt: `<C>${i}+${i + 3}=?`,
  completion: `\\boxed{${2 * i + 3}}`,
}));

const make = async (settings: Partial<SftTrainerOptions> = {}) =>
  new SftTrainer({ lab, policy: await smallPolicy(), data: sums, batchTokens: 256, warmupSteps: 2, ...settings });

/** Mean of -log p over the tokens that count, one token at a time through the cache of the sampler. */
async function crossEntropyByDecoding(policy: Policy, samples: SftTrainer["samples"]): Promise<number> {
  const decoder = await BatchDecoder.start(policy, 1);
  let [sum, count] = [0, 0];
  for (const { ids, trained } of samples) {
    const sequence = decoder.add();
    for (let i = 0; i + 1 < ids.length; i++) {
      const next = await decoder.step([{ sequence, token: ids[i]! }], 1);
      if (!trained[i + 1]) continue;
      sum -= next.logprobs(0)[ids[i + 1]!]!;
      count++;
    }
    decoder.remove(sequence);
  }
  await decoder.close();
  return sum / count;
}

test("what counts in the loss is decided by whose each token is, and made with the tokens", async () => {
  const policy = await smallPolicy();
  const { tokenizer } = policy;
  const rollout = sketch(tokenizer, { text: "```python\nprint(1+1)\n```\n\\boxed{2}" });
  const record = JSON.parse(JSON.stringify(rollout.trajectory)) as { ids: number[]; sources: "sampled"[] };
  const data = [
    "12+1",
    sums[3]!,
    {
      messages: [
        { role: "user" as const, content: "2*3" },
        { role: "assistant" as const, content: "6" },
      ],
    },
    rollout,
    record,
  ];
  const trainer = new SftTrainer({ lab, policy, data });
  const [text, pair, chat, sampled, read] = trainer.samples.map(({ ids, trained }) =>
    ids.map((id, i) => (trained[i] ? tokenizer.tokenName(id) : "·")).join(""),
  );
  // Nothing predicts the first token.
  assert.equal(text, "·2+1<eos>");
  assert.equal(pair, `${"·".repeat(6)}\\boxed{9}<eos>`);
  assert.equal(chat, "····6<eos>");
  assert.deepEqual(
    trainer.samples[3]!.trained,
    rollout.trajectory.ids.map((_, i) => isTrained(rollout.trajectory, i, { maskToolTokens: true })),
  );
  assert.ok(rollout.trajectory.toolCalls.length === 1 && !sampled!.includes("output"));
  assert.equal(read, sampled);

  const all = new SftTrainer({ lab, policy, data, assistantOnlyLoss: false });
  assert.equal(all.samples[2]!.trained.filter(Boolean).length, 5);
  // A tool's tokens were sampled by nobody: no option brings them into the loss.
  assert.deepEqual(all.samples[3]!.trained, trainer.samples[3]!.trained);
});

test("a small corpus is learnt by heart; the held-back loss is what the sampler itself says of those tokens", async () => {
  const trainer = await make({ data: sums.slice(0, 12), validation: sums.slice(12, 20), learningRate: 1e-2 });
  assert.equal(trainer.stepsFor(2), 2 * trainer.stepsFor(1));
  const steps = await trainer.train(50, { record: false }).done();
  const [first, last] = [steps[0]!.metrics, steps.at(-1)!.metrics];
  assert.ok(Math.abs(first.loss - Math.log(trainer.policy.config.vocabSize)) < 0.5, `begins with ${first.loss}`);
  assert.ok(last.loss < 0.05, `ends with ${last.loss}`);
  assert.equal(last.perplexity, Math.exp(last.loss));
  assert.ok(steps.every(({ metrics }) => metrics.fill > 0.5 && metrics.skipped === 0));
  assert.deepEqual(
    steps.flatMap(({ step, metrics }) => (metrics.evalLoss === undefined ? [] : [step])),
    [20, 40],
  );
  const measured = await trainer.evaluate();
  const expected = await crossEntropyByDecoding(trainer.policy, trainer.validation);
  assert.ok(Math.abs(measured.evalLoss! - expected) < 1e-4, `${measured.evalLoss} and ${expected}`);
  assert.equal(measured.evalPerplexity, Math.exp(measured.evalLoss!));
  for (const { metrics } of steps)
    for (const metric of Object.keys(metrics)) assert.ok(trainer.explain(metric).meaning, metric);
  assert.equal(trainer.explain("perplexity").value, last.perplexity);
  assert.throws(() => trainer.explain("perplexitie"), /"perplexitie".*perplexity/);
});

test("packed and unpacked training take the same course where a step takes the whole corpus", async () => {
  const course = async (packing: boolean) => {
    const trainer = await make({ packing, batchTokens: 24 * 64 });
    return (await trainer.train(4, { record: false }).done()).map(({ metrics }) => metrics);
  };
  const [packed, apart] = [await course(true), await course(false)];
  packed.forEach(({ loss, gradNorm, tokens }, i) => {
    assert.equal(tokens, apart[i]!.tokens);
    assert.ok(Math.abs(loss - apart[i]!.loss) < 2e-4, `step ${i}: ${loss} and ${apart[i]!.loss}`);
    assert.ok(Math.abs(gradNorm - apart[i]!.gradNorm) < 1e-3 * gradNorm);
  });
});

test("a run resumed between two checkpoints, in the middle of an epoch, equals the one that was not stopped", async () => {
  const record = await runsFolder();
  const settings = { validationShare: 0.2, checkpointEvery: 2, evaluateEvery: 2, batchTokens: 64 };
  const whole = await make(settings);
  for await (const { step, metrics } of whole.train(7, { record })) {
    if (step < 5) continue;
    assert.ok(metrics.epoch % 1 > 0, `step 5 is not within an epoch: ${metrics.epoch}`);
    break;
  }
  const { folder, id } = await whole.openRun(record);
  whole.config.learningRate = 5e-4;
  await whole.train(3, { record }).done();

  const resumed = await SftTrainer.resume(folder, { step: 5 });
  assert.equal(resumed.step, 5);
  assert.deepEqual(resumed.validation, whole.validation);
  assert.equal(resumed.config.learningRate, 5e-4);
  const again = await resumed.train(3, { record: false }).done();
  assert.deepEqual(await resumed.policy.weights(), await whole.policy.weights());
  const run = await Run.open(folder);
  const recorded = (await run.events()).flatMap((event) => (event.type === "step" ? [event] : []));
  assert.deepEqual(
    again.map(({ metrics }) => metrics.loss),
    recorded.slice(5).map(({ metrics }) => metrics.loss),
  );
  await whole.rewind(3);
  assert.equal(whole.step, 3);

  const list = (await cirlab("runs", "list", "--folder", record)).out;
  assert.match(list, new RegExp(`${id} +completed +step 8 +loss \\d`));
  const show = (await cirlab("runs", "show", folder)).out;
  assert.match(show, /perplexity +\d/);
  assert.match(show, /evalLoss +\d/);
  assert.match(show, /after 5 +\{"learningRate":0.0005\}/);
});

test("an interrupt keeps the last whole step, and training goes on from there", async () => {
  const controller = new AbortController();
  let isWatched = true;
  const own = Object.assign(new Lab({ seed: 11, device: "cpu", threads: 1 }), {
    signal: () => (isWatched ? controller.signal : undefined),
  });
  const trainer = new SftTrainer({ lab: own, policy: await smallPolicy(own), data: sums, batchTokens: 256 });
  await assert.rejects(async () => {
    for await (const { step } of trainer.train(6, { record: false })) if (step === 2) controller.abort();
  }, InterruptedError);
  assert.equal(trainer.step, 2);
  isWatched = false;
  const handle = trainer.start(2, { record: false });
  await handle.done;
  const straight = new SftTrainer({ lab, policy: await smallPolicy(), data: sums, batchTokens: 256 });
  await straight.train(4, { record: false }).done();
  assert.deepEqual(await trainer.policy.weights(), await straight.policy.weights());
});

test("samples that do not fit are counted and left out; bad settings and data are refused by name", async () => {
  const long = { prompt: "<C>1+1=?", completion: "7".repeat(80) };
  const mute = { messages: [{ role: "user" as const, content: "hello" }] };
  const trainer = await make({ data: [...sums, long, mute] });
  assert.deepEqual(trainer.left, { overlong: 1, untrained: 1 });
  assert.equal(trainer.samples.length, sums.length);
  const cut = await make({ data: [long], overlong: "truncate" });
  assert.equal(cut.samples[0]!.ids.length, 64);
  const refuses = (settings: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(make(settings as Partial<SftTrainerOptions>), (error) => {
      assert.ok(error instanceof InvalidInputError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses({ data: [long] }, /nothing to learn from: of 1 samples 1 are longer than 64/);
  await refuses({ data: [sums[0]!, { question: "1+1" }] }, /Example 1: .*neither text.*question/);
  await refuses({ data: [null] }, /Example 0: .*neither text.*null/);
  await refuses({ data: [{ messages: [{ role: "bot", content: "" }] }] }, /Example 0: .*0\.role/);
  await refuses({ packed: true }, /packed.*did you mean "packing"/);
  await refuses({ maxLength: 65 }, /maxLength \(65\).*64 positions/);
  await refuses(
    { learningRate: { values: [1e-3, 1e-4], when: { metric: "loss", below: 1 } } },
    /learningRate.*no metric/,
  );
  assert.throws(() => trainer.configure({ packing: false }), /packing decides what the corpus is/);
  assert.throws(() => trainer.train({ epochs: 0 }), /whole numbers of at least 1, was 0/);
});

test("a trainer that was closed does not train on with fresh moments, unless it goes back to a checkpoint", async () => {
  const trainer = await make();
  await trainer.trainStep();
  const { files } = await trainer.save();
  await trainer.trainStep();
  const weights = await trainer.policy.weights();
  await trainer.close();
  await assert.rejects(
    trainer.trainStep(),
    (error) => error instanceof InvalidInputError && /closed after step 2/.test(error.message),
  );
  const bytes = Object.entries(files).map(([name, data]) => [name, bytesOf(data)]);
  await trainer.load(Object.fromEntries(bytes), "here");
  await trainer.trainStep();
  assert.deepEqual(await trainer.policy.weights(), weights);
  await trainer.close();
});
