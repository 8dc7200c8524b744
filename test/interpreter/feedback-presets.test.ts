import assert from "node:assert/strict";
import { test } from "node:test";
import { InfrastructureError } from "../../src/base/errors.ts";
import {
  type ExecutionResult,
  feedbackOption,
  feedbackRule,
  PythonInterpreter,
  showsValue,
} from "../../src/interpreter/index.ts";

const result = (over: Partial<ExecutionResult>): ExecutionResult => ({
  status: "ok",
  exitCode: 0,
  stdout: "",
  stderr: "",
  durationMs: 1,
  queuedMs: 0,
  peakMemoryMb: null,
  truncated: false,
  ...over,
});
const traceback = `Traceback (most recent call last):
  File "<snippet>", line 2, in <module>
    1 / 0
ZeroDivisionError: division by zero`;
const failed = result({
  status: "error",
  exitCode: 1,
  stdout: "before\n",
  stderr: `warning\n${traceback}\n`,
  error: {
    name: "ZeroDivisionError",
    message: "division by zero",
    line: 2,
    lastLine: "ZeroDivisionError: division by zero",
    traceback,
  },
});
const digits = (count: number): string => "0123456789".repeat(Math.ceil(count / 10)).slice(0, count);

test("each preset words a result as its source does", () => {
  const texts = (of: ExecutionResult) => (["cir", "retool", "verl"] as const).map((preset) => feedbackRule(preset)(of));
  const nothing = "TypeError: expected string or bytes-like object";
  const table: [ExecutionResult, [string, string, string]][] = [
    [result({ stdout: " 42\n" }), ["42", "42", " 42\n"]],
    [result({ stdout: "42\n", stderr: "warning\n" }), ["42", "42", "42\nwarning\n"]],
    [result({}), [nothing, nothing, ""]],
    [failed, [failed.error!.lastLine, failed.error!.lastLine, `before\nwarning\n${traceback}\n`]],
    [
      result({ status: "timeout", exitCode: null, stdout: "partial" }),
      ["Timeout Error", "Timeout Error", "no stdout here"],
    ],
    [result({ status: "memory", stdout: "a\n" }), ["MemoryError", "MemoryError", "a\n"]],
    [result({ status: "crash", exitCode: null, stdout: "a\n" }), ["Crash Error", "Crash Error", "a\n"]],
    [result({ status: "outputLimit", stdout: "aaa" }), ["Output Limit Error", "Output Limit Error", "aaa"]],
  ];
  for (const [given, expected] of table) assert.deepEqual(texts(given), expected, given.status);
  for (const preset of ["cir", "retool", "verl"] as const)
    assert.throws(
      () => feedbackRule(preset)(result({ status: "infrastructure", stderr: "gone" })),
      InfrastructureError,
    );
});

test("each preset cuts as its source does", () => {
  const long = result({ stdout: digits(1000) });
  const middle = (half: number, mark: string) => `${digits(half)}${mark}${digits(1000).slice(-half)}`;
  assert.equal(feedbackRule("cir")(long), middle(200, "..."));
  assert.equal(feedbackRule("retool")(long), middle(200, "..."));
  assert.equal(feedbackRule("verl")(long), middle(128, "...(truncated)..."));
  assert.equal(feedbackRule("verl")(result({ stdout: digits(256) })), digits(256));
  const at = (cut: "start" | "end") => feedbackRule({ preset: "verl", maxChars: 5, cut })(long);
  assert.equal(at("end"), "01234...(truncated)");
  assert.equal(at("start"), "(truncated)...56789");
  assert.equal(feedbackRule({ preset: "cir", cut: "end", maxChars: 3 })(result({ stdout: "😀😀😀😀" })), "😀😀😀...");
  assert.equal(feedbackRule("verl", 10)(long), "01234...(truncated)...56789", "the interpreter's limit wins");
  assert.equal(feedbackRule({ preset: "verl", maxChars: 4 }, 10)(long), "01...(truncated)...89", "the rule's own wins");
});

test("the whole traceback or its last line, the last value or not", () => {
  assert.equal(feedbackRule({ preset: "cir", errors: "traceback" })(failed), traceback);
  assert.equal(
    feedbackRule({ preset: "verl", errors: "lastLine" })(failed),
    "before\nZeroDivisionError: division by zero\n",
  );
  assert.equal(feedbackRule({ preset: "verl", errors: "traceback" })(failed), `before\n${traceback}\n`);
  const valued = result({ stdout: "printed", value: "[1, 2]" });
  assert.equal(feedbackRule("cir")(valued), "printed");
  assert.equal(feedbackRule({ preset: "cir", value: true })(valued), "printed\n[1, 2]");
  assert.equal(feedbackRule({ preset: "verl", value: true })(result({ value: "7" })), "7\n");
  assert.ok(showsValue({ preset: "verl", value: true }));
  assert.ok(!showsValue("cir") && !showsValue(() => ""));
});

test("a rule of one's own is called as it is; what is none is refused", () => {
  const own = (of: ExecutionResult) => `${of.status}!`;
  assert.equal(feedbackRule(feedbackOption.parse(own), 3)(result({})), "ok!");
  assert.throws(() => feedbackOption.parse("trl"), /must be .*verl.* or a function of a result/);
  assert.throws(() => feedbackOption.parse({ preset: "cir", maxChars: 1 }));
});

test("an interpreter words its results by the rule that it was started with", async (t) => {
  const python = await PythonInterpreter.start({ feedback: { preset: "verl", value: true, maxChars: 60 }, lanes: 1 });
  t.after(() => python.close());
  const read = async (code: string) => python.feedback(await python.run(code));
  assert.equal(await read("print(1)\n[2] * 2"), "1\n[2, 2]\n");
  assert.match(
    await read("print('x' * 20)\n1 / 0"),
    /^x{20}\n.*\.\.\.\(truncated\)\.\.\..*Error: division by zero\n$/s,
  );
  await assert.rejects(PythonInterpreter.start({ feedback: "trl" as "cir" }), /feedback: .*"verl"/);
});
