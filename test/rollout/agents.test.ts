import assert from "node:assert/strict";
import { after, test } from "node:test";
import { InfrastructureError, InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { type Agent, agents, type Takeover } from "../../src/rollout/agents/index.ts";
import { collectTrajectories, type RolloutRequest } from "../../src/rollout/collect.ts";
import { messagesOf } from "../../src/rollout/messages.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Trajectory } from "../../src/rollout/trajectory.ts";

const lab = new Lab({ seed: 21, device: "cpu", threads: 1 });
const python = await PythonInterpreter.start({ isolation: "pooled", lanes: 1 });
after(() => python.close());
const policy = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra", "chain2"] });
const task = taskset.at(0);
const compute = "Let me compute.\n```python\nprint(6*7)\n```";

/** Computes, then boxes the answer that the task is judged by. */
const solver = agents.script(({ turn, task: asked }) => (turn === 1 ? compute : `\\boxed{${asked!.answer}}`), {
  name: "solver",
});

const sourcesOf = ({ sources }: Trajectory): string =>
  sources.reduce((runs, source) => (runs.endsWith(source) ? runs : `${runs} ${source}`.trim()), "");

test("a script's rollout is an ordinary one: its code runs, it is scored, and every token says who wrote it", async () => {
  const rollout = await lab
    .rollout({ agent: solver, policy, interpreter: python, task, promptFormat: "code" })
    .finish();
  const { trajectory } = rollout;
  assert.equal(rollout.text, `${compute}\n\`\`\`output\n42\n\`\`\`\n\\boxed{${task.answer}}`);
  assert.equal(sourcesOf(trajectory), "prompt script tool script");
  assert.deepEqual([rollout.stopReason, rollout.terminated, rollout.reward], ["completed", true, 1]);
  assert.equal(trajectory.ids.at(-1), policy.tokenizer.eosId);
  assert.deepEqual([trajectory.sampledCount, rollout.toolCalls.length], [0, 1]);
  assert.ok(trajectory.logprobs.every((logprob) => logprob === null));
  const again = Trajectory.fromJSON(policy.tokenizer, JSON.parse(JSON.stringify(trajectory)), "rollout");
  assert.deepEqual(again.toJSON(), trajectory.toJSON());
  const messages = messagesOf(trajectory);
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["user", "assistant", "tool", "assistant"],
  );
  assert.equal(messages.map(({ content }) => content).join(""), task.prompt + rollout.text);
});

test("what a script writes after its block of code is not kept; without a call left the block stays text", async () => {
  const wordy = agents.script([`${compute}\nIt will say 42.`, "So\\boxed{42}"]);
  const open = { agent: wordy, interpreter: python, task };
  const cut = await lab.rollout(open).finish();
  assert.equal(cut.text, `${compute}\n\`\`\`output\n42\n\`\`\`\nSo\\boxed{42}`);
  const uncut = await lab.rollout({ ...open, maxToolCalls: 0 }).finish();
  assert.equal(uncut.text, `${compute}\nIt will say 42.`);
  assert.equal(uncut.stopReason, "completed");
  // One token holds the end of the block and more: what is kept of it stays the script's.
  const glued = lab.rollout({ ...open, policy, agent: agents.script(["```python\nprint(1)\n```python\n2", ""]) });
  await glued.finish();
  const kept = "```python\nprint(1)\n```";
  assert.equal(glued.text, `${kept}\n\`\`\`output\n1\n\`\`\`\n`);
  assert.deepEqual([glued.trajectory.forcedBoundaries, glued.trajectory.sources.includes("forced")], [0, false]);
  const { ids } = glued.trajectory;
  assert.deepEqual(glued.fork().trajectory.ids, ids);
  assert.match(
    String((glued[displaySymbol]() as Record<string, string>)["text/plain"]),
    /\d+ by a script, 1 tool calls/,
  );
  const short = lab.rollout({ ...open, promptFormat: "text", maxLength: 27 });
  await short.finish();
  assert.deepEqual([short.stopReason, short.trajectory.length, short.truncated], ["maxTokens", 27, true]);
});

test("an agent's rollout goes token by token and turn by turn, and its fork goes on by the network", async () => {
  const rollout = lab.rollout({ agent: solver, policy, interpreter: python, task, promptFormat: "code" });
  assert.equal((await rollout.token())!.source, "script");
  assert.equal(rollout.trajectory.length, rollout.trajectory.promptLength + 1);
  const call = await rollout.turn();
  assert.equal(call!.feedback, "42");
  const fork = rollout.fork({ turn: 1, toolOutput: "41", agent: null });
  await fork.finish();
  assert.equal(sourcesOf(fork.trajectory), "prompt script tool sampled");
  assert.ok(
    fork.trajectory.logprobs.every(
      (logprob, i) => (fork.trajectory.sources[i] === "script") === (logprob === null) || i < 1,
    ),
  );
  const back = fork.fork({ token: fork.trajectory.promptLength, agent: solver });
  assert.equal((await back.finish()).text, `${compute}\n\`\`\`output\n42\n\`\`\`\n\\boxed{${task.answer}}`);
  assert.throws(() => lab.rollout({ agent: solver, interpreter: python, task }).fork({ agent: null }), {
    name: "InvalidInputError",
    message: /no policy that could go on/,
  });
  await rollout.close();
});

test("an evaluation of an agent counts what it answered", async () => {
  const card = await lab.evaluate(solver, taskset, { interpreter: python, samples: 2, count: 3 });
  assert.deepEqual([card.summary.accuracy.value, card.summary.codeShare, card.summary.passRate], [1, 1, 1]);
  const written = policy.tokenizer.encode(`${compute}\\boxed{${task.answer}}`).length + 1;
  assert.equal(card.tasks[0]!.samples[0]!.tokens, written);
  assert.equal(card.settings!.promptFormat, "cir");
});

test("text that the tokenizer cannot write, and prompts that it could not, are clear errors", async () => {
  const foreign = agents.script(["x ≤ 3"], { name: "poet" });
  await assert.rejects(lab.rollout({ agent: foreign, interpreter: python, task }).finish(), {
    name: "InvalidInputError",
    message: /cannot write "≤" \(U\+2264\), which is in the text of poet/,
  });
  const asked = { ...task, prompt: "ξ+1=?" };
  await assert.rejects(
    lab.rollout({ agent: solver, interpreter: python, task: asked }).finish(),
    /prompt holds characters/,
  );
  const named = await lab.rollout({ agent: agents.script(["<eos>1"]), interpreter: python, task }).finish();
  assert.equal(named.text, "<eos>1", "the name of a special token is text");
  const silent = agents.script([{ text: "", next: "continue" }]);
  await assert.rejects(lab.rollout({ agent: silent, interpreter: python, task }).finish(), /left the rest to a policy/);
  const nothing = agents.script((() => undefined) as never, { name: "nobody" });
  await assert.rejects(
    lab.rollout({ agent: nothing, interpreter: python, task }).finish(),
    /nobody gave no text in turn 1/,
  );
  assert.throws(() => lab.rollout({ interpreter: python, task }), /needs a policy or an agent/);
  assert.throws(() => lab.rollout({ agent: solver, task }), /needs an interpreter or tools/);
});

const limits = { maxToolCalls: 2, maxLength: 64 };
const requests: RolloutRequest[] = Array.from({ length: 6 }, (_, i) => {
  const asked = taskset.at(i >> 1);
  const prompt = policy.tokenizer.encode(`<C>${asked.prompt}`);
  return { prompt, task: asked, step: 3, promptIndex: i >> 1, sampleIndex: i & 1 };
});
const collect = (expert: Agent | undefined, when: Takeover = { turns: [1] }, some = requests) =>
  collectTrajectories({
    policy: expert ? agents.mixture({ policy, expert, when }) : policy,
    interpreter: python,
    requests: some,
    limits,
    seed: lab.seed,
  });

test("in a mixture the expert writes its turns and the policy the others, which it samples as after any beginning", async () => {
  const [first, ...others] = await collect(agents.script([compute]));
  for (const trajectory of [first!, ...others]) {
    trajectory.verify("rollout");
    assert.ok(sourcesOf(trajectory).startsWith("prompt script tool sampled"), sourcesOf(trajectory));
    trajectory.sources.forEach((source, i) => {
      if (source === "script") assert.deepEqual([trajectory.logprobs[i], trajectory.entropies[i]], [null, null]);
      if (source === "sampled") assert.ok(Number.isFinite(trajectory.logprobs[i]));
    });
  }
  // The same text put in by force: the policy draws the same tokens after it.
  const rollout = lab.rollout({
    policy,
    interpreter: python,
    task: taskset.at(0),
    promptFormat: "code",
    maxLength: 64,
  });
  const forced = rollout.fork({ append: compute });
  await forced.turn();
  const begun = lab.rollout({
    agent: agents.mixture({ policy, expert: agents.script([compute]), when: { turns: [1] } }),
    interpreter: python,
    task: taskset.at(0),
    maxLength: 64,
  });
  await begun.turn();
  assert.deepEqual(begun.trajectory.ids, forced.trajectory.ids);
  await Promise.all([begun.finish(), forced.finish()]);
  assert.deepEqual(begun.trajectory.ids, forced.trajectory.ids);
  assert.deepEqual(begun.trajectory.logprobs.slice(-5), forced.trajectory.logprobs.slice(-5));
});

test("an expert takes over at given tokens, by chance, or when a function says so; else nothing changes", async () => {
  const plain = await collect(undefined);
  const ids = (trajectories: Trajectory[]) => trajectories.map((trajectory) => trajectory.ids);
  const hint = agents.script(() => ({ text: "So ", next: "continue" as const }), { name: "hint" });
  assert.deepEqual(ids(await collect(hint, { probability: 0 })), ids(plain));
  assert.deepEqual(ids(await collect(hint, () => false)), ids(plain));
  const hinted = await collect(hint, { tokens: [2] });
  hinted.forEach((trajectory, i) => {
    const from = trajectory.promptLength;
    assert.deepEqual(trajectory.ids.slice(0, from + 2), plain[i]!.ids.slice(0, from + 2));
    const [start, ...rest] = trajectory.sources.flatMap((source, at) => (source === "script" ? [at] : []));
    assert.deepEqual([start, rest.length], [from + 2, policy.tokenizer.encode("So ").length - 1]);
    if (trajectory.length > from + 5) assert.equal(trajectory.sources[from + 2 + rest.length + 1], "sampled");
  });
  const seen: number[] = [];
  const asked: Takeover = ({ token, isTurnStart, turn }) => {
    assert.equal(isTurnStart, token === 0 || turn > 1);
    seen.push(token);
    return token === 1;
  };
  assert.deepEqual(ids(await collect(hint, asked, requests.slice(0, 1)))[0]!.slice(0, -1).length > 0, true);
  assert.deepEqual(seen.slice(0, 3), [0, 1, 1 + policy.tokenizer.encode("So ").length]);
  const some = await collect(hint, { probability: 0.5 });
  const helped = some.map(({ sources }) => sources.includes("script"));
  assert.ok(helped.includes(true) && helped.includes(false), `${helped}`);
  assert.deepEqual(
    ids(await collect(hint, { probability: 0.5 }, requests.slice(3))),
    ids(some).slice(3),
    "whatever the batch",
  );
  assert.throws(() => agents.mixture({ policy, expert: hint, when: { probability: 2 } }), InvalidInputError);
  assert.throws(() => agents.mixture({ policy, expert: policy as never, when: { turns: [1] } }), /must be an agent/);
});

test("an expert that failed for reasons of infrastructure costs its rollout, which is never scored", async () => {
  const ill: Agent = {
    ...agents.script([compute]),
    reply: async () => {
      throw new InfrastructureError("The line is dead.");
    },
  };
  const trajectories = await collect(
    ill,
    ({ task: asked, isTurnStart }) => isTurnStart && asked!.id === taskset.at(1).id,
  );
  assert.deepEqual(
    trajectories.map(({ stopReason }) => stopReason === "infrastructure"),
    [false, false, true, true, false, false],
  );
  assert.equal(trajectories[2]!.failure, "The line is dead.");
  const rollout = await lab.rollout({ agent: ill, interpreter: python, task }).finish();
  assert.deepEqual([rollout.stopReason, rollout.result], ["infrastructure", undefined]);
  await assert.rejects(lab.evaluate(ill, taskset, { interpreter: python, count: 2, samples: 1 }), {
    name: "InfrastructureError",
    message: /lost a rollout: The line is dead/,
  });
});
