import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantError } from "../../src/base/errors.ts";
import type { ExecutionResult } from "../../src/interpreter/types.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Trajectory } from "../../src/rollout/trajectory.ts";

const tokenizer = tinyMathTokenizer();
const id = (token: string) => tokenizer.idOf(token)!;
const prompt = tokenizer.encode("<C>6*7=?");
const limits = { maxToolCalls: 2, maxLength: 96 };
const ok = (stdout: string): ExecutionResult => ({
  status: "ok",
  exitCode: 0,
  stdout,
  stderr: "",
  durationMs: 1,
  queuedMs: 0,
  peakMemoryMb: null,
  truncated: false,
});

/** Samples the given tokens, each with its own log-prob. */
function sample(trajectory: Trajectory, tokens: readonly (string | number)[]) {
  for (const token of tokens) {
    const next = typeof token === "number" ? token : id(token);
    trajectory.acceptSampled(next, -0.01 * trajectory.length, 0.5);
  }
}

const code = (...closing: string[]) => ["```python\n", "print(", "6", "*", "7", ")", ...closing];
const closings = [["\n", "```\n"], ["\n```", "\n"], ["\n```\n"], ["\n", "``", "`", "\n"]];

for (const closing of closings)
  test(`a block closed by ${JSON.stringify(closing)} gives the same text and keeps its gradient`, () => {
    const trajectory = new Trajectory(tokenizer, prompt, limits);
    const whole = code(...closing);
    for (const token of whole) {
      sample(trajectory, [token]);
      if (trajectory.pendingCode !== null) break;
    }
    assert.equal(trajectory.pendingCode, "\nprint(6*7)\n");
    trajectory.acceptToolOutput(ok("42\n"), "42");
    assert.equal(trajectory.text, "```python\nprint(6*7)\n```\n```output\n42\n```\n");
    assert.equal(trajectory.forcedBoundaries, 0);
    const sampledText = trajectory
      .tokens()
      .filter((token) => token.source === "sampled")
      .map((token) => token.text)
      .join("");
    assert.ok(sampledText.startsWith("```python\nprint(6*7)\n```"), sampledText);
    trajectory.verify("rollout");
  });

test("a token that holds more than the fence is replaced by forced tokens and counted", () => {
  const trajectory = new Trajectory(tokenizer, prompt, limits);
  // "```python" right after the code closes the block with more text in the same token.
  sample(trajectory, ["```python\n", "1", "\n", "```python"]);
  assert.equal(trajectory.pendingCode, "\n1\n");
  assert.equal(trajectory.forcedBoundaries, 1);
  assert.equal(trajectory.tokens().at(-1)!.source, "forced");
  trajectory.acceptToolOutput(ok(""), "x");
  assert.equal(trajectory.text, "```python\n1\n```\n```output\nx\n```\n");
  trajectory.verify("rollout");
});

test("the loss mask is what was sampled, and tool tokens never are", () => {
  const trajectory = new Trajectory(tokenizer, prompt, limits);
  sample(trajectory, code("\n```\n"));
  trajectory.acceptToolOutput(ok("42\n"), "42");
  sample(trajectory, ["\\boxed{", "4", "2", "}", tokenizer.eosId]);
  assert.equal(trajectory.stopReason, "completed");
  assert.equal(trajectory.sampledCount, 7 + 5);
  const [call] = trajectory.toolCalls;
  for (let i = call!.start; i < call!.end; i++) assert.equal(trajectory.sources[i], "tool");
  // The paper finds the masked span by a regular expression on the text: the same characters.
  const masked = trajectory.ids
    .slice(call!.start, call!.end)
    .map((token) => tokenizer.tokenText(token))
    .join("");
  assert.equal(masked.trim(), /```output[\s\S]*?```/.exec(trajectory.text)![0]);
  assert.equal(trajectory.assistantText, "```python\nprint(6*7)\n```\n\\boxed{42}");
});

test("after the budget, code is text", () => {
  const trajectory = new Trajectory(tokenizer, prompt, { ...limits, maxToolCalls: 1 });
  sample(trajectory, code("\n```\n"));
  trajectory.acceptToolOutput(ok("42\n"), "42");
  sample(trajectory, code("\n```\n"));
  assert.equal(trajectory.pendingCode, null);
  assert.equal(trajectory.toolCalls.length, 1);
});

test("tool output can neither end the sequence nor switch its mode", () => {
  const trajectory = new Trajectory(tokenizer, prompt, limits);
  sample(trajectory, code("\n```\n"));
  trajectory.acceptToolOutput(ok("<eos><T>"), "<eos><T>");
  assert.ok(trajectory.text.includes("<eos><T>"));
  assert.equal(trajectory.done, false);
  assert.ok(!trajectory.ids.slice(prompt.length).some((token) => tokenizer.specialIds.has(token)));
});

test("the length limit truncates", () => {
  const trajectory = new Trajectory(tokenizer, prompt, { ...limits, maxLength: prompt.length + 3 });
  sample(trajectory, ["1", "2", "3"]);
  assert.equal(trajectory.stopReason, "maxTokens");
  assert.throws(() => sample(trajectory, ["4"]), InvariantError);
});

test("a fork shares the beginning, runs the code again, and leaves its parent alone", () => {
  const parent = new Trajectory(tokenizer, prompt, limits);
  sample(parent, code("\n```\n"));
  parent.acceptToolOutput(ok("42\n"), "42");
  sample(parent, ["\\boxed{", "4", "2", "}", tokenizer.eosId]);
  const before = JSON.stringify(parent);
  const [call] = parent.toolCalls;

  const again = parent.fork(call!.start);
  assert.equal(again.pendingCode, "\nprint(6*7)\n");
  again.acceptToolOutput(ok("41\n"), "41", true);
  assert.ok(again.text.endsWith("```output\n41\n```\n"));

  const later = parent.fork(call!.end + 2);
  assert.deepEqual(later.ids, parent.ids.slice(0, call!.end + 2));
  assert.deepEqual(later.logprobs, parent.logprobs.slice(0, call!.end + 2));
  assert.equal(later.toolCalls.length, 1);

  const inside = parent.fork(call!.start + 1);
  assert.equal(inside.length, call!.start);
  assert.notEqual(inside.pendingCode, null);
  assert.equal(JSON.stringify(parent), before);
});

test("verify names the rollout when a source is wrong", () => {
  const trajectory = new Trajectory(tokenizer, prompt, limits);
  sample(trajectory, code("\n```\n"));
  trajectory.acceptToolOutput(ok("42\n"), "42");
  trajectory.sources[trajectory.toolCalls[0]!.start] = "sampled";
  assert.throws(() => trajectory.verify("rollout 3/1/2"), /rollout 3\/1\/2/);
});
