import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol, formatPercent, table } from "../../src/display/index.ts";
import { parseXml } from "./tools.ts";

const rows = [
  { family: "chain", accuracy: 0.8125, tasks: 1200 },
  { family: "algebra", accuracy: 1, tasks: 7, note: "new" },
];

test("a table in text is aligned: words to the left, numbers to the right", () => {
  const text = String(table(rows, { caption: "Held-out", formats: { accuracy: (a: number) => formatPercent(a) } }));
  assert.deepEqual(text.split("\n"), [
    "Held-out",
    "family   accuracy  tasks  note",
    "───────  ────────  ─────  ────",
    "chain      81.3 %  1,200",
    "algebra   100.0 %      7  new",
  ]);
});

test("columns give the same table as rows", () => {
  const columns = { a: new Float64Array([1, 2.5]), b: ["x", "y"] };
  assert.equal(
    String(table(columns)),
    String(
      table([
        { a: 1, b: "x" },
        { a: 2.5, b: "y" },
      ]),
    ),
  );
  assert.throws(() => table({ a: [1], b: [1, 2] }), InvalidInputError);
});

test("markup in captions, names and cells is text", () => {
  const attack = `</td><script>alert("1")</script><img src=x onerror='alert(1)'>`;
  const bundle = table([{ [attack]: attack }], { caption: attack })[displaySymbol]();
  const { elements, text } = parseXml(`<div>${bundle["text/html"]}</div>`);
  assert.deepEqual([...new Set(elements.map(({ name }) => name))].sort(), [
    "caption",
    "div",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
  ]);
  assert.equal(text.split("&lt;script&gt;").length, 4);
  assert.doesNotMatch(String(bundle["text/markdown"]), /(^|[^\\])[<>]/);
});

test("a line break or a bar in a cell does not break the table", () => {
  const shown = table([{ a: "one\ntwo", b: "x | y" }]);
  assert.equal(String(shown).split("\n").length, 3);
  const lines = shown.toMarkdown().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[2]!, /x \\\| y/);
});

test("a long table shows its beginning and counts the rest", () => {
  const long = table({ i: Array.from({ length: 5000 }, (_, i) => i) }, { maxRows: 10 });
  assert.equal(String(long).split("\n").length, 13);
  assert.match(String(long), /… 4,990 more rows/);
  assert.equal(long.toHtml().markup.split("<tr ").length - 2, 10);
});

test("an empty table is shown, not a failure", () => {
  const bundle = table([], { caption: "Nothing" })[displaySymbol]();
  assert.match(String(bundle["text/plain"]), /Nothing/);
  parseXml(`<div>${bundle["text/html"]}</div>`);
});
