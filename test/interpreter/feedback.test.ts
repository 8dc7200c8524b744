import assert from "node:assert/strict";
import { test } from "node:test";
import { InfrastructureError } from "../../src/base/errors.ts";
import {
  cirFeedback,
  cutMiddle,
  type ExecutionResult,
  normaliseLine,
  pythonStrip,
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

test("output is stripped and cut in the middle at 400 characters", () => {
  const digits = "0123456789".repeat(50);
  assert.equal(cirFeedback(result({ stdout: ` \n${digits.slice(0, 400)}\n\n` })), digits.slice(0, 400));
  const cut = cirFeedback(result({ stdout: `${"a".repeat(200)}b${"c".repeat(200)}` }));
  assert.equal(cut, `${"a".repeat(200)}...${"c".repeat(200)}`);
});

test("the cut counts code points and never splits one", () => {
  assert.equal(cutMiddle("😀".repeat(4), 4), "😀😀😀😀");
  assert.equal(cutMiddle("😀".repeat(5), 4), "😀😀...😀😀");
});

test("white space is Python's", () => {
  assert.equal(pythonStrip("\x1c\x85\u3000 a \ufeff\n"), "a \ufeff");
});

test("every status has its line, except an infrastructure failure", () => {
  assert.equal(cirFeedback(result({ status: "timeout", stdout: "partial" })), "Timeout Error");
  assert.equal(cirFeedback(result({ status: "ok" })), "TypeError: expected string or bytes-like object");
  assert.equal(cirFeedback(result({ status: "memory" })), "MemoryError");
  assert.equal(cirFeedback(result({ status: "crash" })), "Crash Error");
  assert.equal(cirFeedback(result({ status: "outputLimit", stdout: "aaa" })), "Output Limit Error");
  assert.throws(() => cirFeedback(result({ status: "infrastructure", stderr: "gone" })), InfrastructureError);
});

test("lines of different Python versions become one", () => {
  const groups = [
    [
      "NameError: name 'pint' is not defined",
      "NameError: name 'pint' is not defined. Did you mean: 'print'?",
      "NameError: name 'pint' is not defined. Did you mean: 'print'? Or did you forget to import 'pint'?",
      "NameError: name 'pint' is not defined. Did you forget to import 'pint'?",
    ],
    [
      "ValueError: Exceeds the limit (4300 digits) for integer string conversion",
      "ValueError: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit",
    ],
    ["ValueError: math domain error", "ValueError: expected a nonnegative input, got -1.0"],
    [
      "SyntaxError: invalid syntax",
      "SyntaxError: invalid syntax. Perhaps you forgot a comma?",
      "IndentationError: unexpected indent",
      "TabError: inconsistent use of tabs and spaces in indentation",
    ],
    ["ZeroDivisionError: division by zero", "ZeroDivisionError: integer division or modulo by zero"],
    ["TypeError: <f at 0x0>", "TypeError: <f at 0x7f3a2b1c0d10>"],
  ];
  for (const [expected, ...others] of groups)
    for (const line of [expected!, ...others]) assert.equal(normaliseLine(line), expected);
});

test("messages of the snippet's own are left alone", () => {
  for (const line of [
    "ValueError: The truth value of an array is ambiguous. Use a.any() or a.all()",
    "ValueError: expected a number",
    "KeyError: '0x1f'",
    "last line of a long message",
  ])
    assert.equal(normaliseLine(line), line);
});
