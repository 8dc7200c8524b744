import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol, formatPercent, LivePanel, runMimeType } from "../../src/display/index.ts";
import { ManualClock, parseXml, RecordedOutputs } from "./tools.ts";

const metrics = [{ key: "reward" }, { key: "accuracy", label: "<accuracy>", format: (a: number) => formatPercent(a) }];

test("a thousand steps in two seconds are at most ten pictures a second in one place, and the last one is complete", async () => {
  const outputs = new RecordedOutputs();
  const clock = new ManualClock();
  await outputs.during(() => {
    const panel = new LivePanel({ title: "run & run", runId: "run-1", metrics, clock }).show();
    for (let step = 1; step <= 1000; step++) {
      clock.advance(2);
      panel.add(step, { reward: step / 1000, accuracy: step === 500 ? undefined : 0.5, other: 1 });
    }
    panel.alert('entropy < 0.1 "now"');
    panel.done("1000 steps");
    panel.add(1001, { reward: 5 });
    panel.status("late");
    clock.advance(1000);
  });
  assert.ok(outputs.sent.length >= 20 && outputs.sent.length <= 22, `${outputs.sent.length} messages`);
  assert.equal(outputs.sent[0]!.kind, "display");
  assert.equal(new Set(outputs.sent.map(({ id }) => id)).size, 1);
  const last = outputs.sent.at(-1)!.bundle;
  assert.deepEqual(last[runMimeType], { runId: "run-1", title: "run & run", status: "1000 steps" });
  const { elements, text } = parseXml(String(last["image/svg+xml"]));
  assert.equal(elements.filter(({ name }) => name === "polyline").length, 2);
  for (const word of ["1000 steps", "50.0 %", "&lt;accuracy&gt;", "entropy &lt; 0.1", "run &amp; run"])
    assert.ok(text.includes(word), word);
  assert.match(String(last["text/plain"]), /reward\s+▁.*█\s+1 {2}\(min 0\.001, max 1\)/);
});

test("missing values leave gaps, a lonely value is a dot, and all points lie in the picture", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(() => {
    const panel = new LivePanel({ title: "gaps", metrics: [{ key: "a" }] });
    const values = [1, 2, Number.NaN, 3, Number.NaN, Number.POSITIVE_INFINITY, 4, 5, 6];
    for (const [i, a] of values.entries()) panel.add(i, { a });
    panel.show();
  });
  const { elements } = parseXml(String(outputs.sent[0]!.bundle["image/svg+xml"]));
  const lines = elements.filter(({ name }) => name === "polyline").map(({ attributes }) => attributes.get("points")!);
  assert.deepEqual(
    lines.map((points) => points.split(" ").length),
    [2, 3],
  );
  assert.equal(elements.filter(({ name }) => name === "circle").length, 1);
  const [, , width, height] = elements[0]!.attributes.get("viewBox")!.split(" ").map(Number);
  for (const point of lines.join(" ").split(" ")) {
    const [x, y] = point.split(",").map(Number);
    assert.ok(x! >= 0 && x! <= width! && y! >= 0 && y! <= height!, point);
  }
});

test("the picture does not grow with the run", () => {
  const panel = new LivePanel({ title: "long", metrics, stream: { write: () => true } });
  for (let step = 0; step < 20_000; step++) panel.add(step, { reward: Math.sin(step), accuracy: Math.cos(step) });
  assert.ok(String(panel[displaySymbol]()["image/svg+xml"]).length < 8000);
});

test("without a notebook the panel is a line", () => {
  let written = "";
  const stream = { isTTY: true, columns: 100, write: (text: string) => (written += text) };
  const panel = new LivePanel({ title: "cir", metrics, stream }).show();
  panel.add(3, { reward: 0.25, accuracy: 0.5 });
  panel.done("done");
  assert.ok(written.endsWith("cir · done · step 3 · reward 0.25 · <accuracy> 50.0 %\n"), written);
});

test("a metric that comes twice is refused", () => {
  assert.throws(() => new LivePanel({ title: "", metrics: [{ key: "a" }, { key: "a" }] }), InvalidInputError);
});
