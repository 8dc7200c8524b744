import assert from "node:assert/strict";
import { test } from "node:test";
import { InterruptedError } from "../../src/base/errors.ts";
import {
  displaySymbol,
  escapeMarkup,
  formatBytes,
  formatDuration,
  formatNumber,
  html,
  registerMagic,
  shield,
  show,
  signal,
  throwIfInterrupted,
} from "../../src/display/index.ts";
import { parseXml, RecordedOutputs } from "./tools.ts";

test("show gives a place that is updated", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(() => {
    const display = show({ "text/plain": "one", "text/html": "<b>one</b>" }, { displayId: "here" });
    display.update({ [displaySymbol]: () => ({ "text/plain": "two" }) });
    display.update({ answer: 42 });
  });
  assert.deepEqual(outputs.text(), ["one", "two", "{ answer: 42 }"]);
  assert.deepEqual(
    outputs.sent.map(({ kind, id }) => [kind, id]),
    [
      ["display", "here"],
      ["update", "here"],
      ["update", "here"],
    ],
  );
});

test("a value that renders later keeps its place, and later values never overtake it", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(async () => {
    let finish = (_: object) => {};
    const slow = { [displaySymbol]: () => new Promise((resolve) => (finish = resolve)) };
    const display = show(slow);
    show("next");
    display.update("last");
    finish({ "text/plain": "slow" });
    await display.ready;
  });
  assert.deepEqual(outputs.text(), ["", "'next'", "slow", "'last'"]);
});

test("an object that cannot render itself is shown as what went wrong", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(async () => {
    show({
      [displaySymbol]() {
        throw new Error("no picture");
      },
    });
    await show({ [displaySymbol]: () => Promise.reject(new Error("no data")) }).ready;
  });
  assert.match(outputs.text()[0]!, /no picture/);
  assert.match(outputs.text().at(-1)!, /no data/);
});

test("holes of a template are text, in elements and in attributes", () => {
  const attack = `<script>"'&`;
  const markup = html`<p title="${attack}">${attack}${[html`<b>${1}</b>`, undefined, "x"]}</p>`.markup;
  const { elements, text } = parseXml(markup);
  assert.deepEqual(
    elements.map(({ name }) => name),
    ["p", "b"],
  );
  assert.equal(text, "&lt;script&gt;&quot;&#39;&amp;1x");
  assert.equal(escapeMarkup("a\u0000b\ud800c😀"), "a\ufffdb\ufffdc😀");
});

test("signals, shields and magics are the notebook's, and harmless without one", async () => {
  assert.equal(signal(), undefined);
  throwIfInterrupted();
  assert.equal(
    shield(() => 7),
    7,
  );
  assert.equal(
    registerMagic("python", () => {}),
    false,
  );
  const outputs = new RecordedOutputs();
  await outputs.during(() => {
    throwIfInterrupted();
    outputs.abort.abort("stop");
    assert.throws(
      () => throwIfInterrupted(),
      (error) => error instanceof InterruptedError && error.cause === "stop",
    );
    assert.ok(registerMagic("python", () => {}));
  });
  assert.deepEqual(outputs.magics, ["python"]);
});

test("numbers, durations and sizes are short", () => {
  const numbers: [number, string][] = [
    [0, "0"],
    [-0.00012346, "-0.0001235"],
    [0.5, "0.5"],
    [Math.PI, "3.142"],
    [1234.5678, "1,235"],
    [12_345_678, "12,345,678"],
    [1e-7, "1e-7"],
    [1.5e20, "1.5e+20"],
    [99.999, "100"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ];
  for (const [value, text] of numbers) assert.equal(formatNumber(value), text);
  const durations: [number, string][] = [
    [0.25, "0.25 ms"],
    [38.4, "38 ms"],
    [999.9, "1.0 s"],
    [4230, "4.2 s"],
    [59_700, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [7_440_000, "2 h 04 min"],
  ];
  for (const [value, text] of durations) assert.equal(formatDuration(value), text);
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(1536), "1.5 KiB");
  assert.equal(formatBytes(1048575), "1 MiB");
});
