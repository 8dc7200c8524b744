import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol, type StripToken, tokenStrip, visibleText } from "../../src/display/index.ts";
import { parseXml } from "./tools.ts";

const kinds = ["prompt", "sampled", "tool", "forced"];

test("tokens are text: no token, title, kind or legend becomes markup", () => {
  const attack = `"><script>alert(1)</script><b onclick='x'>`;
  const tokens = kinds.map((kind): StripToken => ({ text: attack, kind, title: attack }));
  const strip = tokenStrip([...tokens, { text: "x", kind: attack }], { legend: { prompt: attack } });
  const { elements } = parseXml(`<div>${strip[displaySymbol]()["text/html"]}</div>`);
  for (const { name, attributes } of elements) {
    assert.ok(["div", "span", "b", "i", "u"].includes(name), name);
    for (const key of attributes.keys()) assert.ok(["style", "title"].includes(key), key);
  }
  const titles = elements.flatMap(({ attributes }) => attributes.get("title") ?? []);
  assert.equal(titles.length, kinds.length);
  assert.ok(titles.every((title) => title.startsWith("&quot;&gt;&lt;script")));
});

test("each kind has a tint, an underline and an element of its own", () => {
  const looks = kinds.map((kind) => {
    const markup = tokenStrip([{ text: "x", kind }], { legend: false }).toHtml().markup;
    const run = parseXml(markup).elements[1]!;
    const style = run.attributes.get("style")!;
    return {
      element: run.name,
      tint: /background:([^;]+)/.exec(style)![1],
      line: /border-bottom:\S+ (\w+)/.exec(style)![1],
    };
  });
  for (const key of ["element", "tint", "line"] as const)
    assert.equal(new Set(looks.map((look) => look[key])).size, kinds.length, key);
});

test("white space, control characters and reordering characters are visible", () => {
  assert.equal(visibleText("a b\n\tc"), "a·b⏎\n→c");
  assert.equal(visibleText("x\u202e\u0000\u200b"), "x\\u202e\\u0000\\u200b");
});

test("in text, every run of tokens stands behind its kind", () => {
  const strip = tokenStrip([
    { text: "2+2?\n", kind: "prompt" },
    { text: "```py", kind: "sampled" },
    { text: "thon\nprint(2+2)\n", kind: "sampled" },
    { text: "4\n", kind: "tool" },
  ]);
  assert.deepEqual(String(strip).split("\n"), [
    "prompt  │ 2+2?⏎",
    "sampled │ ```python⏎",
    "        │ print(2+2)⏎",
    "tool    │ 4⏎",
  ]);
});

test("a rollout of a hundred tokens with titles and intensities stays under 15 kB", () => {
  const tokens = Array.from({ length: 100 }, (_, i) => ({
    text: ` token${i}`,
    kind: kinds[Math.floor(i / 10) % 4]!,
    title: "logprob -0.123 · entropy 0.42",
    intensity: i / 100,
  }));
  assert.ok(tokenStrip(tokens).toHtml().markup.length < 15_000);
});

test("an intensity outside of 0 to 1 is refused by its token", () => {
  for (const intensity of [-0.1, 1.1, Number.NaN])
    assert.throws(
      () =>
        tokenStrip([
          { text: "a", kind: "tool" },
          { text: "b", kind: "tool", intensity },
        ]),
      (error) => error instanceof InvalidInputError && /Token 1/.test(error.message),
    );
});

test("no tokens make an empty strip", () => {
  parseXml(`<div>${tokenStrip([]).toHtml()}</div>`);
  assert.equal(String(tokenStrip([])), "");
});
