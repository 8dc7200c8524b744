import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { RandomStream } from "../../src/base/random.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Tokenizer } from "../../src/policy/tokenizer.ts";
import { BoundaryMatcher, findCodeBlock, toolOutputText } from "../../src/rollout/boundary.ts";
import { collectTrajectories } from "../../src/rollout/collect.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Trajectory } from "../../src/rollout/trajectory.ts";
import { codeTool, defineTool, ToolBox } from "../../src/tools/index.ts";

const add = defineTool({
  name: "add",
  description: "Adds.",
  input: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => a + b,
});
const broken = defineTool({
  name: "broken",
  description: "Fails.",
  input: z.object({}),
  run() {
    throw new Error("a bug");
  },
});
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => js.close());
const lab = new Lab({ seed: 5, device: "cpu", threads: 1 });
const policy = await Policy.create("tiny-math", { lab });
const task = tasks.arithmetic({ families: ["algebra"] }).at(0);
const box = new ToolBox([add, broken, codeTool(js, { name: "js" })]);
const callOf = (name: string, args: unknown) => `<tool_call>${JSON.stringify({ name, arguments: args })}</tool_call>`;
const limits = { maxToolCalls: 2, maxLength: 400, boundary: "toolCall" as const };

// Every character, and pieces of the tags that overlap, so that a boundary can fall inside a token.
const characters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const tokenizer = Tokenizer.greedy({
  specials: ["<pad>", "<eos>", "<unk>"],
  tokens: [
    ...characters,
    "\n",
    "<tool_call>",
    "</tool_call>",
    "</tool_call>\n",
    "call>",
    "}</tool",
    "}</tool_call>ok",
    "<obs>",
  ],
});
const idOf = (token: string) => tokenizer.idOf(token)!;

test("a tool call's boundary keeps what cutting afterwards keeps, however the text is cut into tokens", () => {
  const stream = new RandomStream(2, "tool-boundary");
  const pieces = [
    "<tool_call>",
    "</tool_call>",
    "<",
    "/tool",
    "_call>",
    "tool_call>",
    "\n",
    " ",
    "{}",
    "x",
    "</tool_call>\n",
  ];
  let found = 0;
  for (let round = 0; round < 10_000; round++) {
    const parts = Array.from({ length: stream.integer(1, 10) }, () => stream.pick(pieces));
    const text = parts.join("");
    const matcher = new BoundaryMatcher("toolCall");
    let boundary: ReturnType<BoundaryMatcher["push"]>;
    for (let at = 0; at < text.length && !boundary; ) {
      const end = Math.min(text.length, at + stream.integer(1, 8));
      boundary = matcher.push(text.slice(at, end));
      at = end;
    }
    const expected = findCodeBlock(text, "toolCall");
    assert.deepEqual([boundary?.end, boundary?.code], [expected?.end, expected?.code], JSON.stringify(text));
    if (boundary) found++;
  }
  assert.ok(found > 500, `${found}`);
  assert.equal(toolOutputText("3", false, "toolCall"), "\n<obs>\n3\n</obs>\n");
});

/** Samples tokens up to the boundary. */
function sample(trajectory: Trajectory, tokens: readonly string[]): void {
  for (const token of tokens) {
    if (trajectory.pendingCode !== null) return;
    trajectory.acceptSampled(idOf(token), -0.01 * trajectory.length, 0.5);
  }
}

const body = [...'{"name":"add","arguments":{"a":2,"b":3}'];
const closings: [tokens: string[], forced: number][] = [
  [["}", "</tool_call>"], 0],
  [["}", "</tool_call>\n"], 0],
  [["}</tool", "_", "call>"], 0],
  [["}</tool_call>ok"], 1],
];

for (const [closing, forced] of closings)
  test(`a call that ends with ${JSON.stringify(closing)} is answered, masked and whole`, async () => {
    const prompt = tokenizer.encode("2+3?");
    const trajectory = new Trajectory(tokenizer, prompt, limits);
    sample(trajectory, ["H", "m", " ", "<tool_call>", ...body, ...closing]);
    assert.equal(trajectory.pendingCode, '{"name":"add","arguments":{"a":2,"b":3}}');
    const result = await box.run(trajectory.pendingCode!);
    trajectory.acceptToolOutput(result, box.feedback(result));
    assert.equal(trajectory.text, `Hm ${callOf("add", { a: 2, b: 3 })}\n<obs>\n5\n</obs>\n`);
    assert.equal(trajectory.forcedBoundaries, forced);
    const [call] = trajectory.toolCalls;
    for (let i = call!.start; i < call!.end; i++) assert.equal(trajectory.sources[i], "tool");
    sample(trajectory, ["5", "<tool_call>", ...body, "}", "</tool_call>"]);
    assert.notEqual(trajectory.pendingCode, null, "a second call");
    trajectory.verify("rollout");
    const fork = trajectory.fork(call!.end + 1);
    assert.deepEqual(fork.ids, trajectory.ids.slice(0, call!.end + 1));
    assert.equal(fork.toolCalls[0]!.feedback, "5");
    const again = trajectory.fork(call!.start);
    assert.equal(again.pendingCode, '{"name":"add","arguments":{"a":2,"b":3}}');
  });

test("a fenced block is text where tools are asked for by tags, and the other way round", () => {
  const tools = new Trajectory(tokenizer, tokenizer.encode("p"), limits);
  sample(tools, [..."```python\n1\n```\n"]);
  assert.equal(tools.pendingCode, null);
  const code = new Trajectory(tokenizer, tokenizer.encode("p"), { maxToolCalls: 2, maxLength: 400 });
  sample(code, ["<tool_call>", ...body, "}", "</tool_call>"]);
  assert.equal(code.pendingCode, null);
});

test("a recorded rollout comes back with its boundary", () => {
  const trajectory = new Trajectory(tokenizer, tokenizer.encode("p"), limits);
  sample(trajectory, ["a"]);
  const back = Trajectory.fromJSON(tokenizer, JSON.parse(JSON.stringify(trajectory)), "rollout").fork(2);
  sample(back, ["<tool_call>", ...body, "}", "</tool_call>"]);
  assert.notEqual(back.pendingCode, null);
});

test("a rollout with tools goes on token by token after the answer", async () => {
  const rollout = lab.rollout({ policy, interpreter: box, task });
  const forced = rollout.fork({ append: callOf("add", { a: 20, b: 22 }) });
  const call = await forced.turn();
  assert.deepEqual([call!.feedback, call!.result.status], ["42", "ok"]);
  assert.ok(forced.text.endsWith("</tool_call>\n<obs>\n42\n</obs>\n"), forced.text);
  const token = await forced.token();
  assert.equal(token!.source, "sampled");
  await forced.finish();
  assert.notEqual(forced.stopReason, "infrastructure");
  const changed = forced.fork({ turn: 1, toolOutput: "41" });
  assert.ok(changed.text.endsWith("<obs>\n41\n</obs>\n"));
  const wrong = await rollout.fork({ append: callOf("add", { a: "x" }) }).turn();
  assert.match(wrong!.feedback, /^Error: Invalid arguments for add/);
});

test("a stateful rollout's code calls share variables, and a tool that fails ends the rollout", async () => {
  const rollout = lab.rollout({ policy, interpreter: box, task, stateful: true, maxLength: 192 });
  const first = rollout.fork({ append: callOf("js", { code: "let x = 7" }) });
  await first.turn();
  const second = first.fork({ append: callOf("js", { code: "console.log(x)" }) });
  assert.equal((await second.turn())!.feedback, "7");
  assert.equal(second.replayMismatch, undefined);
  await Promise.all([first.close(), second.close()]);
  const failed = rollout.fork({ append: callOf("broken", {}) });
  await failed.turn();
  assert.equal(failed.stopReason, "infrastructure");
  assert.ok(!failed.trajectory.sources.includes("tool"));
});

test("batched collection takes tools in an interpreter's place", async () => {
  const requests = Array.from({ length: 4 }, (_, i) => ({
    prompt: policy.tokenizer.encode(`<C>${task.prompt}`),
    step: 0,
    promptIndex: i,
    sampleIndex: 0,
  }));
  const trajectories = await collectTrajectories({
    policy,
    interpreter: box,
    requests,
    limits: { maxToolCalls: 1, maxLength: 48 },
    seed: 1,
  });
  for (const [i, trajectory] of trajectories.entries()) {
    trajectory.verify(`rollout ${i}`);
    assert.equal(trajectory.limits.boundary, "toolCall");
  }
});
