import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { type DecoderConfig, initialise } from "../../src/nn/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Tokenizer } from "../../src/policy/tokenizer.ts";
import { rewards } from "../../src/reward/index.ts";
import { agents } from "../../src/rollout/agents/index.ts";
import { ListTaskset, type Task } from "../../src/rollout/tasks/index.ts";
import { defineTool, ToolBox } from "../../src/tools/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { SftTrainer } from "../../src/training/supervised/sft-trainer.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { runsFolder } from "./time-tools.ts";

const lab = new Lab({ seed: 3, device: "cpu", threads: 1 });
const input = z.object({ a: z.number(), b: z.number() });
const add = defineTool({ name: "add", description: "Adds two numbers.", input, run: ({ a, b }) => a + b });
const tools = new ToolBox([add]);

const pieces = [
  "<think></think>\n",
  "<tool_call>\n",
  '{"name": "add", "parameters": {"a": ',
  ', "b": ',
  "}}",
  "\n</tool_call>",
];
const tokenizer = Tokenizer.greedy({
  specials: ["<pad>", "<eos>", "<unk>"],
  tokens: [...pieces, "<obs>", "</obs>", "\n", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))],
});
const callOf = (a: number, b: number) =>
  `<think></think>\n<tool_call>\n{"name": "add", "parameters": {"a": ${a}, "b": ${b}}}\n</tool_call>`;
const pairs = [1, 2].flatMap((a) => [3, 4].map((b) => [a, b] as const));
const taskset = new ListTaskset(
  "sums",
  pairs.map(([a, b], i): Task => ({ id: `sum-${i}`, prompt: `${a}+${b}?`, answer: callOf(a, b), family: "sum" })),
);
const config: DecoderConfig = {
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 32,
  numLayers: 2,
  numHeads: 2,
  numKeyValueHeads: 2,
  headDim: 16,
  intermediateSize: 64,
  ropeTheta: 500,
  rmsNormEps: 1e-6,
  maxLength: 48,
  tieWordEmbeddings: true,
  qkvBias: true,
};
const policy = await Policy.fromWeights("caller", lab, config, tokenizer, initialise(config, lab.random("init")));

/** Demonstrations by an agent, half of which call the tool. */
const demonstrator = agents.script(({ task, turn, keys }) => {
  if (keys.sampleIndex % 2) return "I do not know";
  return turn === 1 ? task!.answer : "";
});
const demonstrations = await Promise.all(
  [0, 1].flatMap((sampleIndex) =>
    pairs.map((_, i) =>
      lab
        .rollout({ agent: demonstrator, policy, tools, task: taskset.at(i), sampleIndex, promptFormat: "code" })
        .finish(),
    ),
  ),
);
const begun = new SftTrainer({ lab, policy, data: demonstrations, learningRate: 1e-2 });
await begun.train(40, { record: false }).done();
await begun.close();

const small = {
  promptsPerStep: 4,
  numGenerations: 8,
  miniBatches: 1,
  learningRate: 5e-3,
  warmupSteps: 0,
  maxLength: 48,
  maxToolCalls: 1,
  checkpointEvery: 1,
  tools,
  taskset,
  reward: rewards.toolCalls(),
};
const make = async (settings: Partial<TrainerOptions> = {}): Promise<Trainer> =>
  new Trainer({ ...small, lab, policy: await policy.clone(), ...settings });

test("demonstrations went through the tools, and are what the reward asks for", async () => {
  const { trajectory, toolCalls } = demonstrations[0]!;
  assert.equal(trajectory.text, `${callOf(1, 3)}\n<obs>\n4\n</obs>\n`);
  assert.equal(toolCalls[0]!.result.status, "ok");
  const { reward, correct } = await rewards.toolCalls().score({ task: taskset.at(0), text: trajectory.assistantText });
  assert.deepEqual([reward, correct], [4, true]);
});

test("a policy learns to call a typed tool by ToolRL's reward, and an evaluation with the tools shows it", async () => {
  const trainer = await make();
  assert.equal(trainer.interpreter, undefined);
  const evaluate = () =>
    lab.evaluate(trainer.policy, taskset, { tools, reward: trainer.reward, samples: 8, maxToolCalls: 1 });
  const before = await evaluate();
  const steps = [];
  for await (const step of trainer.train(8, { record: false })) steps.push(step.metrics);
  const after = await evaluate();
  const [first, last] = [steps[0]!, steps.at(-1)!];
  assert.ok(first.toolCalls > 0.1 && first.toolCalls < 0.9, `${first.toolCalls} calls per rollout at first`);
  assert.ok(last.toolCalls > first.toolCalls + 0.1, `${last.toolCalls} at last`);
  assert.ok(last.reward > first.reward + 0.5, `reward from ${first.reward} to ${last.reward}`);
  assert.ok(after.summary.codeShare > before.summary.codeShare + 0.1, "calls in the evaluation");
  assert.ok(after.summary.accuracy.value > before.summary.accuracy.value, "and right ones");
  assert.ok(after.tasks[0]!.samples.some(({ executions }) => executions?.[0] === "ok"));
  await trainer.close();
});

test("a run keeps what its tools look like; it goes on with those alone, as if it had never stopped", async () => {
  const folder = await runsFolder();
  const trainer = await make();
  await trainer.train(2, { record: folder }).done();
  const run = await trainer.openRun(folder);
  const setup = run.config.setup as { tools: unknown; interpreter?: unknown };
  assert.deepEqual(setup.tools, JSON.parse(JSON.stringify([tools.schemas[0]!.function])));
  assert.equal(setup.interpreter, undefined);
  const whole = await trainer.policy.weights();
  const own = { reward: rewards.toolCalls(), step: 1 };
  await assert.rejects(Trainer.resume(run.folder, own), /used tools add\. Give the run's own: \{ tools \}/);
  const other = new ToolBox([defineTool({ ...add, description: "Sums.", input, run: () => 0 })]);
  await assert.rejects(Trainer.resume(run.folder, { ...own, tools: other }), {
    name: "InvalidInputError",
    message: /tools given are not those of run .*recorded for add is .*Adds two numbers.*given is .*Sums/,
  });
  const again = await Trainer.resume(run.folder, { ...own, tools });
  await again.trainStep();
  assert.deepEqual(await again.policy.weights(), whole);
  const replayed = await trainer.replay(2);
  assert.deepEqual([replayed.rescored, replayed.weights], [[], whole]);
  await Promise.all([trainer.close(), again.close()]);
});

test("a comparison's arms train and are evaluated with the tools", async () => {
  const base = { ...small, promptsPerStep: 2, numGenerations: 4, policy };
  const evaluation = { taskset, samples: 4, reward: base.reward };
  const { arms } = await lab.compare({ base, vary: { maxToolCalls: [0] }, steps: 1, evaluation });
  const calls = arms.map(({ name, runs: [run] }) => [
    name,
    run!.metrics[0]!.toolCalls! > 0,
    run!.card!.summary.codeShare > 0,
  ]);
  assert.deepEqual(calls, [
    ["control", true, true],
    ["maxToolCalls 0", false, true],
  ]);
});

test("an interpreter beside typed tools is one of them; a trainer without either is refused", async () => {
  const js = await Interpreter.start({ language: "javascript", lanes: 1 });
  const both = agents.script([
    `<tool_call>\n${JSON.stringify({ name: "javascript", parameters: { code: "console.log(6*7)" } })}\n{"name": "add", "parameters": {"a": 1, "b": 2}}\n</tool_call>`,
  ]);
  try {
    const trainer = await make({ interpreter: js, maxLength: 48 });
    const rollout = await lab
      .rollout({ agent: both, tokenizer, tools, interpreter: js, task: taskset.at(0), promptFormat: "tools" })
      .finish();
    assert.equal(rollout.toolCalls[0]!.feedback, "1. javascript: 42\n2. add: 3");
    const batch = await trainer.collect();
    assert.ok(batch.rollouts.some(({ trajectory }) => trajectory.toolCalls.length > 0));
    await trainer.close();
  } finally {
    await js.close();
  }
  await assert.rejects(make({ tools: undefined }), /A trainer needs an interpreter or tools/);
  await assert.rejects(make({ tools: [add] as never }), /tools must be a ToolBox/);
});

after(() => Promise.all(demonstrations.map((rollout) => rollout.close())));
