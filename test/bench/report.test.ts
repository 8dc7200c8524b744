import assert from "node:assert/strict";
import { test } from "node:test";
import { median, ratios } from "./measure.ts";
import { replaceSection, tableText } from "./report.ts";

test("a ratio above 1 means that ours is faster, whatever the unit, and pairs the rounds", () => {
  const [ours, peer] = [
    [10, 40],
    [5, 10],
  ];
  assert.deepEqual(ratios({ what: "speed", unit: "tokens/s", ours: ours!, peer: peer! }), [2, 4]);
  assert.deepEqual(ratios({ what: "time", unit: "ms", ours: ours!, peer: peer! }), [0.5, 0.25]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test("a table says what is missing and still shows ours", () => {
  const rows = [{ what: "step", unit: "ms", ours: [12.34, 1234.5, 1], peer: [] }] as const;
  const text = tableText({ title: "T", peer: { missing: "install it." }, rows, notes: ["jail: no bwrap"] });
  assert.match(text, /\| step, ms +\| 12\.3 \(1\.00\.\.1,235\) \|/);
  assert.match(text, /Not compared: install it\.[\s\S]*Not measured: jail: no bwrap/);
});

test("nothing is in proportion to what took no time", () => {
  const rows = [{ what: "task", unit: "ms", ours: [0, 2], peer: [4, 4] }] as const;
  assert.match(tableText({ title: "T", peer: { name: "asked" }, rows }), /\| 4\.00 \(4\.00\.\.4\.00\) \| +\|/);
});

test("only the named part of the document changes", () => {
  const document = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n";
  const once = replaceSection(document, "x", "new");
  assert.equal(once, document.replace("old", "new"));
  assert.equal(replaceSection(once, "x", "new"), once);
  assert.throws(() => replaceSection(document, "z", ""), /no part <!-- bench:z -->/);
});
