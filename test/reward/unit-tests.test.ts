import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DatasetError, InfrastructureError, InvalidInputError } from "../../src/base/errors.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import type { ExecutionResult } from "../../src/interpreter/types.ts";
import { rewards, type UnitTest } from "../../src/reward/index.ts";
import { lastProgram } from "../../src/reward/unit-tests/reward.ts";

const answerWith = (program: string) => `So:\n\`\`\`python\n${program}\n\`\`\`\n`;

describe("hidden tests", () => {
  let interpreter: PythonInterpreter;
  before(async () => {
    interpreter = await PythonInterpreter.start({ isolation: "snippet" });
  });
  after(() => interpreter.close());

  const outcomes = async (program: string, tests: UnitTest[], timeoutMs = 20_000) => {
    const reward = rewards.unitTests({ interpreter, partial: true, timeoutMs });
    const result = await reward.score({ task: { answer: "", reference: { tests } }, text: answerWith(program) });
    return { ...result, outcomes: result.detail.outcomes };
  };
  const returns = async (body: string, expected: UnitTest & { expected: unknown }) =>
    (await outcomes(`def f(*args, **kwargs):\n    ${body}`, [expected])).outcomes;

  test("programs by standard input and output", async () => {
    const tests = [
      { stdin: "2\n3\n", stdout: "5\n" },
      { stdin: "10\n-4\n", stdout: "6" },
    ];
    assert.deepEqual(
      (await outcomes("a = int(input())\nb = int(input())\nprint(a + b, ' ')\nprint()", tests)).outcomes,
      ["passed", "passed"],
    );
    const lines = "import sys\ndata = sys.stdin.buffer.read().split()\nprint(sum(map(int, data)))";
    assert.deepEqual((await outcomes(lines, tests)).outcomes, ["passed", "passed"]);
    assert.deepEqual((await outcomes("print(5)", tests)).outcomes, ["passed", "wrong"]);
    assert.deepEqual((await outcomes("for line in __import__('sys').stdin: pass\ninput()", tests)).outcomes, [
      "error",
      "error",
    ]);
  });

  test("calls: arguments and results as JSON", async () => {
    const call = { function: "f", args: [[1, 2], { ключ: "\u{1F600}\ud800\n" }], kwargs: { k: null }, expected: true };
    assert.deepEqual(
      await returns(`return args == ([1, 2], {"ключ": "\\U0001F600\\ud800\\n"}) and kwargs == {"k": None}`, call),
      ["passed"],
    );
    assert.deepEqual(await returns("return (1, [2.0, None], 'x')", { function: "f", expected: [1, [2, null], "x"] }), [
      "passed",
    ]);
    assert.deepEqual(await returns("return {1: [True]}", { function: "f", expected: { 1: [true] } }), ["passed"]);
    assert.deepEqual(await returns("return True", { function: "f", expected: 1 }), ["wrong"]);
    assert.deepEqual(await returns("return {1}", { function: "f", expected: [1] }), ["error"]);
    assert.deepEqual(await returns("return 0.1 + 0.2", { function: "f", expected: 0.3 }), ["wrong"]);
    assert.deepEqual(await returns("return 0.1 + 0.2", { function: "f", expected: 0.3, tolerance: 1e-9 }), ["passed"]);
    assert.deepEqual(await returns("return float('nan')", { function: "f", expected: 0 }), ["noResult"]);
    assert.deepEqual(await returns("return 7", { function: "f", expected: { $int: "7" } }), ["passed"]);
    assert.deepEqual(await returns("return {'$int': 'x'}", { function: "f", expected: 7 }), ["wrong"]);
    assert.deepEqual(await returns("return 0.5", { function: "f", expected: 0.5 }), ["passed"]);
    assert.deepEqual(await returns("x = []\n    x.append(x)\n    return x", { function: "f", expected: [] }), [
      "error",
    ]);
    const power = { $int: String(2n ** 100n) };
    assert.deepEqual(await returns("return args[0] + 1", { function: "f", args: [power], expected: power }), ["wrong"]);
    assert.deepEqual(await returns("return args[0]", { function: "f", args: [power], expected: power }), ["passed"]);
    const method = "class Solution:\n    def twice(self, n):\n        return 2 * n";
    assert.deepEqual((await outcomes(method, [{ function: "Solution.twice", args: [4], expected: 8 }])).outcomes, [
      "passed",
    ]);
  });

  test("partial credit is the exact fraction; without it all must pass and the rest is not run", async () => {
    const tests = [0, 1, 2, 3].map((n) => ({ function: "f", args: [n], expected: n * n }));
    const program = "def f(n):\n    return n * n if n != 2 else 5";
    const partial = await outcomes(program, tests);
    assert.deepEqual([partial.reward, partial.correct, partial.detail.fraction], [0.75, false, 0.75]);
    const task = { answer: JSON.stringify({ tests }) };
    const strict = rewards.unitTests({ interpreter, incorrect: -1, timeoutMs: 20_000 });
    const failed = await strict.score({ task, text: answerWith(program) });
    assert.deepEqual([failed.reward, failed.detail.outcomes], [-1, ["passed", "passed", "wrong", "notRun"]]);
    const passed = await strict.score({ task, text: answerWith("def f(n):\n    return n ** 2") });
    assert.deepEqual([passed.reward, passed.correct], [1, true]);
    const none = await strict.score({ task, text: "It is n squared." });
    assert.deepEqual([none.reward, none.detail.program], [-1, null]);
  });

  test("hostile programs gain nothing", async () => {
    const tests: UnitTest[] = [
      { function: "f", args: [1], expected: "SECRET-17" },
      { function: "f", args: [2], expected: "SECRET-4711" },
    ];
    const marker = `import linecache, re
source = "".join("".join(entry[2]) for entry in linecache.cache.values() if len(entry) > 2)
markers = set(re.findall(r"[0-9a-f]{32}", source))
`;
    const hostile: Record<string, string> = {
      "exits early": "import sys\nsys.exit(0)",
      "ends its process": "def f(n):\n    import os\n    os._exit(0)",
      "prints every answer with the marker": `${marker}
def f(n):
    for m in markers:
        for k in range(5000):
            print(m + '"SECRET-%d"' % k)
`,
      "prints the marker and exits": `${marker}
for m in markers:
    print(m + "true")
raise SystemExit(0)
`,
      "equals everything": "class Any:\n    def __eq__(self, other):\n        return True\ndef f(n):\n    return Any()",
      "patches what prints": "import json, sys\njson.dumps = lambda *a, **k: 'true'\ndef f(n):\n    return 1",
      "patches builtins": `import builtins
for name in ("isinstance", "abs", "str", "int", "set"):
    setattr(builtins, name, lambda *a, **k: True)
def f(n):
    return 1`,
      "takes standard output away": "import io, sys\nsys.stdout = io.StringIO()\ndef f(n):\n    return 'SECRET'",
      "looks through frames, sources and all objects": `import gc, linecache, os, re, sys
def f(n):
    seen = [repr(linecache.cache), repr(os.environ), repr(sys.argv)]
    frame = sys._getframe()
    while frame:
        seen += [repr(frame.f_locals), repr(frame.f_code.co_consts)]
        frame = frame.f_back
    for thing in gc.get_objects():
        if type(thing) in (dict, list, tuple, set):
            seen.append(repr(thing)[:100000])
    found = re.search("".join(["SEC", "RET"]) + r"-\\d+", " ".join(seen))
    return found.group() if found else "nothing"`,
    };
    for (const [what, program] of Object.entries(hostile)) {
      const result = await outcomes(program, tests);
      assert.equal(result.reward, 0, `${what}: ${JSON.stringify(result.outcomes)}`);
      assert.ok(!(result.outcomes as string[]).includes("passed"), what);
      // It ran to its end and came back with something else than the secret.
      if (what.startsWith("looks")) assert.deepEqual(result.outcomes, ["wrong", "wrong"]);
    }
    const honest = await outcomes('def f(n):\n    return "SECRET-" + ("17" if n == 1 else "4711")', tests);
    assert.equal(honest.reward, 1);
  });

  test("a program that never ends is timed out, in that test alone", async () => {
    const program = "def f(n):\n    while n: pass\n    return 0";
    const tests = [1, 0].map((n) => ({ function: "f", args: [n], expected: 0 }));
    assert.deepEqual((await outcomes(program, tests, 3000)).outcomes, ["timeout", "passed"]);
  });
});

test("a failure of the interpreter is no verdict", async () => {
  const failed = { status: "infrastructure", stdout: "", stderr: "the process died" } as ExecutionResult;
  const reward = rewards.unitTests({ interpreter: { run: async () => failed } });
  const task = { answer: "", reference: { tests: [{ stdin: "", stdout: "" }] } };
  await assert.rejects(async () => reward.score({ task, text: answerWith("pass") }), InfrastructureError);
});

test("tests that cannot be used are the task's fault", async () => {
  const reward = rewards.unitTests({ interpreter: { run: () => assert.fail("nothing may run") } });
  const score = async (reference: unknown, answer = "") => reward.score({ task: { answer, reference }, text: "" });
  await assert.rejects(score(undefined, "42 = x"), DatasetError);
  await assert.rejects(score({ tests: [] }), DatasetError);
  await assert.rejects(score({ tests: [{ stdin: "1" }] }), DatasetError);
  await assert.rejects(score({ tests: [{ function: "f); import os; (g", expected: 1 }] }), DatasetError);
  await assert.rejects(score({ tests: [{ function: "f", expected: 2 ** 60 }] }), /\$int/);
  assert.throws(() => rewards.unitTests({ interpreter: {} as never }), InvalidInputError);
});

test("the last closed block of Python is the program", () => {
  assert.equal(lastProgram(`${answerWith("a = 1")}${answerWith("b = 2")}`), "b = 2\n");
  assert.equal(lastProgram("```py\nx = '```'\n```"), "x = '```'\n");
  assert.equal(lastProgram("```\nx\n```"), undefined);
  assert.equal(lastProgram("```python\nx"), undefined);
  assert.equal(lastProgram("```python\n\n```"), undefined);
});
