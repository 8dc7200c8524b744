import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { initialise } from "../../src/nn/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { protocols, recipes } from "../../src/recipes/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { configAt } from "../../src/training/config.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { trainBytePairs } from "./byte-pairs.ts";

const lab = new Lab({ seed: 80, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "pooled", lanes: 1 });
after(async () => {
  await python.close();
});

/** What a policy of random weights must be able to say by chance: whole blocks, boxes, fences. */
const habits = [
  "```python\nprint(6*7)\n```",
  "```python\nprint(6*7)\n```\n",
  "```python\nimport math\nprint(math.comb(9,2))\n``` ",
  "```python\nprint(1/0)\n```\n",
  "\\boxed{42}",
  "\\boxed{36}",
];
const taskset = tasks.list("products", [
  { id: "a", prompt: "What is 6*7?", answer: "42", family: "algebra" },
  { id: "b", prompt: "How many pairs of 9?", answer: "36", family: "combinatorics" },
]);

/** A Qwen2 checkpoint with random weights, saved and loaded again. */
async function randomCheckpoint(): Promise<Policy> {
  const tokenizer = trainBytePairs([...habits, ...habits, ...habits, "Please solve the following problem"], 140);
  const config = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    numLayers: 1,
    numHeads: 2,
    numKeyValueHeads: 1,
    headDim: 16,
    intermediateSize: 48,
    ropeTheta: 10000,
    rmsNormEps: 1e-6,
    maxLength: 5120,
    tieWordEmbeddings: true,
    qkvBias: true,
  } as const;
  const made = await Policy.fromWeights("random", lab, config, tokenizer, initialise(config, lab.random("init")));
  const folder = await mkdtemp(join(tmpdir(), "cirlab-checkpoint-"));
  await made.save(folder);
  return Policy.load(folder, { lab, name: "random" });
}

test("the paper's settings run end to end on a checkpoint of random weights", async () => {
  const policy = await randomCheckpoint();
  for (const habit of habits) assert.ok(policy.tokenizer.idOf(habit) !== undefined, `${habit} is a token`);
  // Only how much is sampled is less than in the paper.
  const counts = { promptsPerStep: 4, numGenerations: 4 };
  const paper = recipes.cir({ scale: "paper" });
  const trainer = new Trainer({ ...paper, ...counts, lab, policy, interpreter: python, taskset });
  assert.equal(trainer.recipe, "cir");
  const { differences } = trainer.diff("cir");
  assert.deepEqual(differences.map(({ setting }) => setting).sort(), ["numGenerations", "promptsPerStep"]);
  assert.deepEqual(
    [0, 99, 100, 199, 200, 299].map((step) => configAt(trainer.config, step).maxToolCalls),
    [2, 2, 3, 3, 4, 4],
  );

  const batch = await trainer.collect();
  assert.equal(batch.rollouts.length, 16);
  for (const { trajectory, task, reward } of batch.rollouts) {
    const prompt = policy.tokenizer.decode(trajectory.ids.slice(0, trajectory.promptLength));
    assert.match(prompt, /^Please solve .* you can choose to write python code .* within \\boxed\{\}\.\n/);
    assert.ok(prompt.endsWith(`\n${task.prompt}`));
    assert.ok(Math.abs(reward.reward) === 1);
    assert.ok(trajectory.toolCalls.length <= 2, "the budget of the first hundred steps");
    for (const call of trajectory.toolCalls) {
      const output = policy.tokenizer.decode(trajectory.ids.slice(call.start, call.end));
      assert.match(output, /^\n?```output\n[\s\S]*\n```\n$/);
      assert.ok(output.includes(call.feedback) && output.length <= 400 + 40);
    }
  }
  const calls = batch.rollouts.flatMap(({ trajectory }) => trajectory.toolCalls);
  const readings = new Set(calls.map(({ feedback }) => feedback));
  assert.ok(readings.has("42") && readings.has("ZeroDivisionError: division by zero"), [...readings].join(" | "));
  assert.ok(batch.rollouts.some(({ trajectory }) => trajectory.toolCalls.length === 2));
  assert.ok(batch.rollouts.some(({ trajectory }) => trajectory.text.includes("\\boxed{")));

  const advantages = trainer.advantages(batch);
  const update = await trainer.update(batch, advantages);
  assert.equal(update.learningRate, 1e-6);
  assert.equal(trainer.config.miniBatches, 2);
  assert.ok(update.ratioDeviation < 1e-4 && update.gradNorm > 0 && update.skipped === 0);
  const trained = batch.rollouts.reduce((sum, { trajectory }) => sum + trajectory.sampledCount, 0);
  assert.equal(update.tokens, trained, "tool outputs are masked");

  const [sampled, greedy] = [protocols.cir("AIME24"), protocols.cir("MATH500")];
  assert.deepEqual([sampled.samples, greedy.samples, greedy.temperature], [16, 1, 0]);
  const less = { interpreter: python, maxLength: 512 };
  const card = await lab.evaluate(policy, taskset, { ...sampled, ...less, samples: 4 });
  const { temperature, topP, maxToolCalls, promptFormat } = card.settings!;
  assert.deepEqual(
    { temperature, topP, maxToolCalls, promptFormat },
    { temperature: 1, topP: 0.95, maxToolCalls: 5, promptFormat: "cir" },
  );
  assert.ok(card.summary.meanToolCalls > 0);
  const once = await lab.evaluate(policy, taskset, { ...greedy, ...less, maxLength: 256, count: 1 });
  assert.equal(once.settings!.temperature, 0);
  await trainer.close();
});

test("at the paper's scale no setting differs, and what is not known is said", () => {
  const { papers, recipe, ...settings } = recipes.cir({ scale: "paper" });
  const known = papers[0]!.settings as Record<string, { value: unknown }>;
  for (const [name, value] of Object.entries(settings))
    if (name in known) assert.deepEqual(value, known[name]!.value, name);
  for (const name of Object.keys(known)) assert.ok(name in settings, `${name} is set, not left to a default`);
  assert.equal(recipe, "cir");
  assert.ok(papers[0]!.unknown!.some((what) => what.includes("training set")));
  assert.throws(
    () => protocols.cir("GSM8K" as never),
    (error) => error instanceof InvalidInputError,
  );
});

test("the differences show settings, protocol and what is unknown", async () => {
  const policy = await Policy.create("tiny-math", { lab });
  const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset });
  const diff = trainer.diff("cir");
  assert.deepEqual(diff.differences, trainer.diff("arXiv:2505.24480").differences);
  for (const { why } of diff.differences) assert.notEqual(why, "changed by hand", "every difference has its reason");
  const shown = String(diff[displaySymbol]()["text/plain"]);
  for (const what of ["promptsPerStep", "chat template", "Not known of the paper"])
    assert.ok(shown.includes(what), what);
});
