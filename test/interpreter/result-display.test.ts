import assert from "node:assert/strict";
import { test } from "node:test";
import { displaySymbol, type MimeBundle } from "../../src/display/index.ts";
import { type ExecutionResult, shownResult } from "../../src/interpreter/index.ts";
import { sessionBundle, stderrWithoutTraceback } from "../../src/interpreter/result-display.ts";

const result = (over: Partial<ExecutionResult>): ExecutionResult => ({
  status: "ok",
  exitCode: 0,
  stdout: "",
  stderr: "",
  durationMs: 12.3,
  queuedMs: 0,
  peakMemoryMb: 34.2,
  truncated: false,
  ...over,
});
const shown = (of: ExecutionResult, code = ""): { text: string; markup: string } => {
  const displayed = shownResult(of, code) as ExecutionResult & { [displaySymbol](): MimeBundle };
  const bundle = displayed[displaySymbol]();
  return { text: bundle["text/plain"] as string, markup: bundle["text/html"] as string };
};

test("a result stays plain data: JSON, a copy and a comparison know nothing of its display", () => {
  const plain = result({ stdout: "42\n", value: "7" });
  const displayed = shownResult({ ...plain }, "print(42)");
  assert.equal(JSON.stringify(displayed), JSON.stringify(plain));
  assert.deepEqual(displayed, plain);
  assert.deepEqual(Object.keys({ ...displayed }), Object.keys(plain));
});

test("output, value, status, time and memory are shown", () => {
  const { text, markup } = shown(result({ stdout: "a <b>\n", stderr: "careful\n", value: "[1, 2]" }));
  assert.equal(text, "a <b>\ncareful\n[1, 2]\nok, 12 ms, 34.2 MiB");
  assert.match(markup, /a &lt;b&gt;/);
  assert.ok(!markup.includes("<b>\n"));
  for (const part of ["careful", "[1, 2]", "ok</b>", "12 ms, 34.2 MiB"]) assert.ok(markup.includes(part), part);
});

test("an error's line is marked in the snippet's source, and the traceback follows", () => {
  const code = "x = 0\n\ndef f():\n    return 1 / x\n\n\nf()\nprint('<never>')";
  const traceback =
    'Traceback (most recent call last):\n  File "<snippet>", line 7, in <module>\n    f()\n  File "<snippet>", line 4, in f\n    return 1 / x\nZeroDivisionError: division by zero';
  const lastLine = "ZeroDivisionError: division by zero";
  const { text, markup } = shown(
    result({
      status: "error",
      exitCode: 1,
      stderr: `warned\n${traceback}\n`,
      error: { name: "ZeroDivisionError", message: "division by zero", line: 4, lastLine, traceback },
    }),
    code,
  );
  assert.equal(
    text,
    `warned\n${traceback}\n     1 | x = 0\n     2 | \n     3 | def f():\n>    4 |     return 1 / x\n     5 | \n     6 | \n     7 | f()\nerror, 12 ms, 34.2 MiB`,
  );
  const marked = /<span style="display:block;background:[^"]*">([^<]*)<\/span>/g;
  assert.deepEqual(
    [...markup.matchAll(marked)].map(([, line]) => line),
    ["›    4      return 1 / x"],
  );
  assert.ok(!markup.includes("never"), "only the lines around it");
  assert.match(markup, /<summary>traceback<\/summary>/);
});

test("standard error is shown without the traceback, also a chained one and a syntax error's", () => {
  const of = (stderr: string) =>
    stderrWithoutTraceback(
      result({ stderr, error: { name: "E", message: "", lastLine: "E", traceback: "E" }, status: "error" }),
    );
  const block = "Traceback (most recent call last):\n  File x\nE: 1\n";
  assert.equal(of(`a\n${block}`), "a\n");
  assert.equal(
    of(`a\n${block}\nDuring handling of the above exception, another exception occurred:\n\n${block}`),
    "a\n",
  );
  assert.equal(of(`a\n${block}b\n${block}`), `a\n${block}b\n`, "a traceback that the snippet printed itself");
  assert.equal(of('a\n  File "<snippet>", line 1\n    x = = 2\nSyntaxError: invalid syntax\n'), "a\n");
  assert.equal(stderrWithoutTraceback(result({ stderr: block })), block);
});

test("what ended a snippet from outside is said in words", () => {
  assert.match(shown(result({ status: "timeout", exitCode: null })).text, /^timeout, .*\. The time limit ended it\.$/);
  assert.match(shown(result({ status: "infrastructure", peakMemoryMb: null })).markup, /not the code/);
});

test("figures are shown, and only figures", () => {
  const image = (mime: string, data: string) => shown(result({ images: [{ mime, data }] }));
  assert.match(image("image/png", "iVBORw0=").markup, /<img [^>]*src="data:image\/png;base64,iVBORw0="/);
  assert.match(image("image/png", "iVBORw0=").text, /\(1 figure\)/);
  for (const [mime, data] of [
    ["text/html", "aGk="],
    ["image/png", '"><script>'],
  ] as const)
    assert.ok(!image(mime, data).markup.includes("<img"), mime);
});

test("long output is shortened where it is shown", () => {
  const { text, markup } = shown(result({ stdout: "x".repeat(1_000_000) }));
  assert.ok(text.length < 30_000 && markup.length < 30_000);
  assert.match(text, /… 980,000 more characters …/);
});

test("a session shows its cells", () => {
  const bundle = sessionBundle(
    [
      { code: "x = 1", result: result({}) },
      { code: "x & 1", result: result({ value: "1" }) },
    ],
    "Session of 2 cells",
  );
  assert.equal(
    bundle["text/plain"],
    "Session of 2 cells\n[1]\n    x = 1\nok, 12 ms, 34.2 MiB\n[2]\n    x & 1\n1\nok, 12 ms, 34.2 MiB",
  );
  assert.match(String(bundle["text/html"]), /x &amp; 1/);
});
