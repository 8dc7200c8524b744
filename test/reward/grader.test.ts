import assert from "node:assert/strict";
import { test } from "node:test";
import { InfrastructureError, InvalidInputError } from "../../src/base/errors.ts";
import type { CodeInterpreter, ExecutionResult } from "../../src/interpreter/index.ts";
import { Grader, GraderFailure, rewards } from "../../src/reward/index.ts";

test("pairs in any number are answered in the order of the calls", async () => {
  const grader = await Grader.start({ interpreter: "none", lanes: 2 });
  try {
    const pairs = Array.from({ length: 200 }, (_, k) => [`\\sqrt{${k * k}}`, `${k % 3 ? k : k + 1}`] as const);
    const verdicts = await Promise.all(pairs.map(([gold, answer]) => grader.grade(gold, answer)));
    assert.deepEqual(
      verdicts.map(({ equal }) => equal),
      pairs.map((_, k) => k % 3 !== 0),
    );
  } finally {
    await grader.close();
  }
});

test("a process that is killed under a pair is replaced, and the pair is graded", async () => {
  const grader = await Grader.start({ interpreter: "none" });
  try {
    const [before] = grader.pids;
    process.kill(before!, "SIGSTOP");
    const pending = grader.grade("x+1", "1+x");
    process.kill(before!, "SIGKILL");
    assert.equal((await pending).equal, true);
    assert.equal(grader.restarts, 1);
    assert.notEqual(grader.pids[0], before);
  } finally {
    await grader.close();
  }
});

test("a process that died while it was idle costs no verdict", async () => {
  const grader = await Grader.start({ interpreter: "none" });
  try {
    const [pid] = grader.pids;
    process.kill(pid!, "SIGKILL");
    while (grader.pids.length) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await grader.grade("x+1", "1+x")).equal, true);
  } finally {
    await grader.close();
  }
});

test("closing rejects what is under way and what waits; then nothing is graded and no process is left", async () => {
  const grader = await Grader.start({ interpreter: "none" });
  const pending = Array.from({ length: 5 }, (_, k) => grader.grade(`x+${k}`, `${k}+x`));
  await grader.close();
  const outcomes = await Promise.allSettled(pending);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason instanceof GraderFailure),
    [true, true, true, true, true],
  );
  assert.deepEqual(grader.pids, []);
  await assert.rejects(grader.grade("x", "x+0"), InvalidInputError);
});

test("at the time limit the process is replaced; twice over it is a failure of the grader, not a wrong answer", async () => {
  const grader = await Grader.start({ interpreter: "none", timeLimitMs: 1 });
  try {
    // Hundreds of thousands of products of coefficients: no processor does them in a millisecond.
    const long = "(x+1)^{1999}(y+1)^{1999}".repeat(20);
    await assert.rejects(
      grader.grade(long, `${long}+1`),
      (error) =>
        error instanceof GraderFailure && error instanceof InfrastructureError && /within 1 ms/.test(error.message),
    );
    assert.equal(grader.restarts, 2);
    assert.equal((await grader.grade("0.5", "1/2")).equal, true);
    assert.equal(grader.pids.length, 1);
  } finally {
    await grader.close();
  }
});

/** An interpreter that only answers with this result; what it is asked is kept. */
function answering(result: Partial<ExecutionResult>): { interpreter: CodeInterpreter; asked: string[] } {
  const asked: string[] = [];
  const run = async (code: string): Promise<ExecutionResult> => {
    asked.push(code);
    const empty = {
      exitCode: 0,
      stdout: "",
      stderr: "",
      durationMs: 1,
      queuedMs: 0,
      peakMemoryMb: null,
      truncated: false,
    };
    return { status: "ok", ...empty, ...result };
  };
  return { interpreter: { run } as unknown as CodeInterpreter, asked };
}

const onlySympy = ["\\cos\\frac{\\pi}{7}\\cos\\frac{2\\pi}{7}\\cos\\frac{3\\pi}{7}", "\\frac18"] as const;

test("what sympy does not answer stays undecided; a failure of its interpreter is the grader's", async () => {
  const cases = [
    [{ status: "timeout" }, "undecided"],
    [{ stdout: '["unknown"]' }, "undecided"],
    [{ stdout: '["equal"]' }, "sympy"],
    [{ stdout: '["different"]' }, "sympy"],
  ] as const;
  for (const [result, how] of cases) {
    const grader = await Grader.start({ interpreter: answering(result).interpreter });
    const verdict = await grader.grade(...onlySympy);
    await grader.close();
    assert.equal(verdict.how, how);
    assert.equal(verdict.equal, how === "sympy" && "stdout" in result && result.stdout === '["equal"]');
  }
  for (const result of [{ status: "infrastructure" }, { stdout: "print" }] as const) {
    const grader = await Grader.start({ interpreter: answering(result).interpreter });
    await assert.rejects(grader.grade(...onlySympy), GraderFailure);
    await grader.close();
  }
});

test("no part of an answer's text reaches the interpreter, only its tree", async () => {
  const { interpreter, asked } = answering({ stdout: '["unknown"]' });
  const grader = await Grader.start({ interpreter });
  const evil = "q_{import os; os system}";
  await grader.grade(`\\frac{${evil}!}{(${evil}-1)!}`, evil);
  await grader.close();
  assert.equal(asked.length, 1);
  assert.doesNotMatch(asked[0]!, /os|system|q_/);
  assert.match(asked[0]!, /v0 = Symbol\("v0"\)/);
});

test("unknown options are refused", async () => {
  await assert.rejects(Grader.start({ percents: true } as object), InvalidInputError);
  await assert.rejects(Grader.start({ timeLimitMs: 0 }), InvalidInputError);
});

test("the boxed answer's reward with a grader: other forms are right, and the verdict says how", async () => {
  const grader = await Grader.start({ interpreter: "none" });
  try {
    const reward = rewards.boxedAnswer({ grader });
    const task = { answer: "2\\sqrt{2}" };
    assert.deepEqual(await reward.score({ task, text: "so \\boxed{\\sqrt{8}}" }), {
      reward: 1,
      correct: true,
      detail: { answer: "\\sqrt{8}", expected: "2\\sqrt{2}", how: "exact", notes: [] },
    });
    assert.equal((await reward.score({ task, text: "so \\boxed{2.828}" })).reward, -1);
    assert.equal((await reward.score({ task, text: "none" })).reward, -1);
    assert.equal((await rewards.boxedAnswer().score({ task, text: "so \\boxed{\\sqrt{8}}" })).reward, -1);
  } finally {
    await grader.close();
  }
});
