import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import { agents, type Intervention } from "../../src/rollout/agents/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Trajectory } from "../../src/rollout/trajectory.ts";
import { isAgentSource, type TokenSource } from "../../src/rollout/trajectory-types.ts";
import type { Batch } from "../../src/training/batch.ts";
import { rolloutMetrics } from "../../src/training/metrics.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { readRolloutRecords } from "../../src/training/rollout-records.ts";
import { sampleOf } from "../../src/training/supervised/samples.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { chatServer, says } from "../rollout/chat-server.ts";
import { byLength, runsFolder } from "./time-tools.ts";

const lab = new Lab({ seed: 5, device: "cpu", threads: 1 });
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => js.close());
const base = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra", "chain1"] });
const compute = "Use code:\n```python\nconsole.log(6*7)\n```";
const expert = agents.script(({ turn }) => (turn === 1 ? compute : "\\boxed{42}"), { name: "helper" });
const intervention: Intervention = { expert, when: { probability: 0.5 } };

async function make(settings: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const small = {
    ...recipes.cir(),
    promptsPerStep: 2,
    numGenerations: 3,
    miniBatches: 1,
    maxLength: 64,
    warmupSteps: 0,
  };
  const policy = await base.clone();
  return new Trainer({ ...small, lab, policy, interpreter: js, taskset, reward: byLength, ...settings });
}

/** The same batch with the agents' tokens under another name. */
function renamed(batch: Batch, to: TokenSource): Batch {
  const rollouts = batch.rollouts.map((rollout) => {
    const data = rollout.trajectory.toJSON();
    const sources = data.sources.map((source) => (isAgentSource(source) ? to : source));
    const logprobs = data.logprobs.map((logprob, i) => (isAgentSource(data.sources[i]!) ? -2 : logprob));
    return { ...rollout, trajectory: Trajectory.fromJSON(base.tokenizer, { ...data, sources, logprobs }, "rollout") };
  });
  return { ...batch, rollouts };
}

test("training on a mixture leaves the expert's tokens out: gradient and weights are those of the batch with them masked", async () => {
  const trainer = await make();
  const mixed = agents.mixture({ policy: trainer.policy, expert, when: { probability: 0.5 } });
  const batch = await trainer.collect({ intervention: mixed });
  const sources = batch.rollouts.map(({ trajectory }) => new Set(trajectory.sources));
  assert.ok(sources.some((one) => one.has("script") && one.has("sampled") && one.has("tool")));
  assert.ok(
    sources.some((one) => !one.has("script")),
    "by chance, not always",
  );
  const advantages = trainer.advantages(batch);
  const masked = renamed(batch, "forced");
  const [seen, without] = await Promise.all([batch, masked].map((one) => trainer.influence(one, advantages)));
  assert.deepEqual(seen!.gradient, without!.gradient);
  assert.ok(seen!.gradNorm > 0);
  const asSampled = await trainer.influence(renamed(batch, "sampled"), advantages);
  assert.notEqual(asSampled.gradNorm, seen!.gradNorm, "it would matter");
  const { tokens } = await trainer.objective(batch, advantages);
  assert.deepEqual([...new Set(tokens.map(({ source }) => source))], ["sampled"]);

  const helped = sources.filter((one) => one.has("script")).length;
  assert.equal(rolloutMetrics(batch).interventions, helped / sources.length);
  assert.match(trainer.explain("interventions").meaning, /expert/);

  const start = await trainer.checkpoint();
  const report = await trainer.update(batch, advantages);
  assert.equal(
    report.tokens,
    batch.rollouts.reduce((sum, { trajectory }) => sum + trajectory.sampledCount, 0),
  );
  assert.ok(report.ratioDeviation < 1e-4, "what was sampled beside the expert is on-policy");
  const weights = await trainer.policy.weights();
  await trainer.restore(start);
  await trainer.update(masked, advantages);
  assert.deepEqual(await trainer.policy.weights(), weights);

  // As demonstrations for supervised training, both count.
  const { trajectory } = batch.rollouts.find((rollout) => rollout.trajectory.sources.includes("script"))!;
  const sample = sampleOf({ trajectory }, 0, {
    tokenizer: base.tokenizer,
    template: undefined as never,
    assistantOnlyLoss: true,
  });
  assert.deepEqual(
    sample.trained,
    trajectory.sources.map((source) => source === "sampled" || source === "script"),
  );
  await trainer.close();
});

test("an expert's log-probs, where it tells them, make its tokens off-policy samples if that is asked for", async () => {
  const text = "So 4";
  const content = ["So", " ", "4"].map((token) => ({ token, logprob: -0.75 }));
  const server = await chatServer(() => says(text, { logprobs: { content } }));
  try {
    const teacher = agents.remote({ baseUrl: server.baseUrl, model: "teacher", logprobs: true });
    const helped = { expert: teacher, when: { turns: [1] } };
    const trainer = await make({
      intervention: helped,
      agentTokens: "offPolicy",
      advantageTokens: "trainable",
      maxToolCalls: 0,
    });
    const batch = await trainer.collect();
    const advantages = trainer.advantages(batch);
    const { tokens } = await trainer.objective(batch, advantages);
    // The end token has no log-prob of the teacher's: it never wrote one.
    assert.deepEqual(
      tokens.slice(0, 3).map(({ text: token, source, oldLogprob }) => [token, source, oldLogprob]),
      [...text.replace("So", "S")].map((token) => [token.replace("S", "So"), "remote", -0.75]),
    );
    assert.equal(tokens.length, 3 * batch.rollouts.length);
    for (const { ratio, logprob } of tokens) assert.ok(Math.abs(ratio / Math.exp(logprob + 0.75) - 1) < 1e-5);
    const report = await trainer.update(batch, advantages);
    assert.deepEqual([report.tokens, report.skipped], [tokens.length, 0]);
    const masking = await make({ intervention: helped, maxToolCalls: 0 });
    const nothing = await masking.update(batch, masking.advantages(batch));
    assert.deepEqual([nothing.tokens, nothing.skipped], [0, 1], "by default nothing of it is trained on");
    await Promise.all([trainer.close(), masking.close()]);
  } finally {
    await server.close();
  }
  // The server is gone: that is nobody's reward.
  const { baseUrl } = server;
  const dead = agents.remote({ baseUrl, model: "teacher", retries: 1, backoffMs: 1 });
  const trainer = await make({ intervention: { expert: dead, when: { turns: [1] } } });
  await assert.rejects(trainer.trainStep(), {
    name: "InfrastructureError",
    message: /6 of 6 rollouts were lost because the interpreter or teacher at .*failed 2 times.*Nothing was trained/,
  });
  assert.deepEqual([trainer.step, trainer.version], [0, 0]);
});

test("a run with an expert names it, and goes on with that expert alone, as if it had never stopped", async () => {
  const folder = await runsFolder();
  const trainer = await make({ intervention, checkpointEvery: 1 });
  await trainer.train(2, { record: folder }).done();
  const run = await trainer.openRun(folder);
  const { intervention: recorded } = run.config.setup as { intervention: unknown };
  assert.deepEqual(recorded, { expert: "helper", source: "script", when: { probability: 0.5 } });
  const records = await readRolloutRecords(run, 2);
  assert.ok(records.some(({ trajectory }) => trajectory.sources.includes("script")));
  const whole = await trainer.policy.weights();
  const own = { interpreter: js, reward: byLength, step: 1 };
  await assert.rejects(Trainer.resume(run.folder, own), /used an expert\. Give the run's own: \{ intervention \}/);
  const other = { expert, when: { probability: 0.4 } };
  await assert.rejects(
    Trainer.resume(run.folder, { ...own, intervention: other }),
    /recorded for when is \{"probability":0.5\}, given is \{"probability":0.4\}/,
  );
  const again = await Trainer.resume(run.folder, { ...own, intervention });
  await again.trainStep();
  assert.deepEqual(await again.policy.weights(), whole);
  const fork = await again.fork({ record: false });
  assert.equal(fork.intervention?.expert, expert);
  const strange = agents.mixture({ policy: base, ...intervention });
  await assert.rejects(make({ intervention: strange }), /mixture's policy is not the trainer's/);
  await assert.rejects(trainer.collect({ intervention: strange }), /mixture's policy is not the trainer's/);
});
