import assert from "node:assert/strict";
import { after, test } from "node:test";
import { InterruptedError } from "../../src/base/errors.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import type { ExecutionResult, InterpreterSession, RunOptions, SessionOptions } from "../../src/interpreter/types.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { collectTrajectories, type RolloutRequest, type ToolInterpreter } from "../../src/rollout/collect.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { sft } from "../../src/training/sft.ts";

const lab = new Lab({ seed: 11, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ isolation: "pooled" });
const policy = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra", "chain2"] });
// Enough to write closed code blocks now and then.
await sft({ lab, policy, interpreter: python, taskset, steps: 80, pretraining: 1 });
after(() => python.close());

const limits = { maxToolCalls: 2, maxLength: 72 };
const requests: RolloutRequest[] = Array.from({ length: 40 }, (_, i) => ({
  prompt: policy.tokenizer.encode(`<C>${taskset.at(i >> 2).prompt}`),
  step: 3,
  promptIndex: i >> 2,
  sampleIndex: i & 3,
}));
const collect = (interpreter: ToolInterpreter, some = requests, signal?: AbortSignal) =>
  collectTrajectories({ policy, interpreter, requests: some, limits, seed: lab.seed, signal });

/** The real interpreter behind a door that holds results back and lets them out in the opposite order. */
class Reversed implements ToolInterpreter {
  #held: (() => void)[] = [];
  async run(code: string, options?: RunOptions): Promise<ExecutionResult> {
    const result = await python.run(code, options);
    await new Promise<void>((resolve) => {
      this.#held.push(resolve);
      setImmediate(() => this.#held.pop()?.());
    });
    return result;
  }
  session(options?: SessionOptions): Promise<InterpreterSession> {
    return python.session(options);
  }
  feedback(result: ExecutionResult): string {
    return python.feedback(result);
  }
}

test("rollouts call the tool, and each is whole", async () => {
  const trajectories = await collect(python);
  assert.ok(trajectories.some(({ toolCalls }) => toolCalls.length > 0));
  for (const [i, trajectory] of trajectories.entries()) {
    assert.ok(trajectory.done);
    trajectory.verify(`rollout ${i}`);
    assert.deepEqual(trajectory.ids.slice(0, trajectory.promptLength), requests[i]!.prompt);
  }
});

test("a rollout depends neither on its batch mates nor on the order in which tools return", async () => {
  const tokens = (trajectories: { ids: number[]; logprobs: (number | null)[] }[]) =>
    trajectories.map(({ ids, logprobs }) => ({ ids, logprobs }));
  const together = tokens(await collect(python));
  assert.deepEqual(tokens(await collect(new Reversed())), together);
  const some = [5, 17, 30];
  const apart = await collect(
    python,
    some.map((i) => requests[i]!),
  );
  assert.deepEqual(
    tokens(apart),
    some.map((i) => together[i]),
  );
});

test("a tool that failed for reasons of infrastructure ends its rollout, and is never text", async () => {
  const broken: ToolInterpreter = {
    run: async () => ({
      status: "infrastructure",
      exitCode: null,
      stdout: "",
      stderr: "",
      durationMs: 0,
      queuedMs: 0,
      peakMemoryMb: null,
      truncated: false,
    }),
    session: (options) => python.session(options),
    feedback: (result) => python.feedback(result),
  };
  const trajectories = await collect(broken);
  const lost = trajectories.filter(({ stopReason }) => stopReason === "infrastructure");
  assert.ok(lost.length > 0);
  for (const { sources } of lost) assert.ok(!sources.includes("tool"));
});

test("an error in a tool reaches the caller", async () => {
  const faulty: ToolInterpreter = {
    run: async () => {
      throw new TypeError("a bug");
    },
    session: (options) => python.session(options),
    feedback: () => "",
  };
  await assert.rejects(collect(faulty), /a bug/);
});

test("interrupting stops the collection", async () => {
  const stop = new AbortController();
  const work = collectTrajectories({
    policy,
    interpreter: python,
    requests,
    limits,
    seed: lab.seed,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await assert.rejects(work, InterruptedError);
});
