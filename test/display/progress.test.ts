import assert from "node:assert/strict";
import { test } from "node:test";
import { InterruptedError, InvalidInputError } from "../../src/base/errors.ts";
import { progress } from "../../src/display/index.ts";
import { ManualClock, parseXml, RecordedOutputs } from "./tools.ts";

test("ten thousand updates in a second reach the page at most ten times, in one place, and end with the last", async () => {
  const outputs = new RecordedOutputs();
  const clock = new ManualClock();
  await outputs.during(() => {
    const bar = progress({ total: 10_000 }, { label: "collecting", unit: "rollouts", clock });
    for (let i = 1; i <= 10_000; i++) {
      clock.advance(0.1);
      bar.set(i);
    }
    bar.done();
  });
  assert.ok(outputs.sent.length >= 10 && outputs.sent.length <= 12, `${outputs.sent.length} messages`);
  assert.deepEqual([...new Set(outputs.sent.map(({ id }) => id))].length, 1);
  assert.deepEqual(outputs.sent.map(({ kind }) => kind).lastIndexOf("display"), 0);
  assert.match(outputs.text().at(-1)!, /10,000\/10,000 rollouts · 10,000\/s · in 1\.0 s$/);
});

test("an update that came too soon is shown when its time has come", async () => {
  const outputs = new RecordedOutputs();
  const clock = new ManualClock();
  await outputs.during(() => {
    const bar = progress({ total: 4 }, { clock });
    bar.set(1);
    clock.advance(10);
    bar.set(2);
    bar.set(3);
    assert.equal(outputs.sent.length, 1);
    clock.advance(89);
    assert.equal(outputs.sent.length, 1);
    clock.advance(1);
    assert.equal(outputs.sent.length, 2);
    clock.advance(10_000);
    assert.equal(outputs.sent.length, 2);
  });
  assert.match(outputs.text()[1]!, /3\/4/);
});

test("rate and time left follow the clock", () => {
  const clock = new ManualClock();
  const bar = progress({ total: 100 }, { label: "eval", unit: "tasks", clock, stream: { write: () => true } });
  clock.advance(5000);
  bar.set(25, { text: "accuracy 0.31" });
  assert.match(String(bar), /25\/100 tasks · 5\/s · 15 s left · accuracy 0\.31$/);
});

test("a loop counts its items, whatever ends it", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(async () => {
    const seen: number[] = [];
    for (const x of progress([1, 2, 3], { label: "sync" })) seen.push(x);
    for await (const x of progress([4, 5])) seen.push(x);
    async function* source() {
      yield 6;
      yield 7;
    }
    for await (const x of progress(source())) seen.push(x);
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
    for (const x of progress(new Set([1, 2, 3]))) if (x === 2) break;
  });
  const last = new Map(outputs.sent.map(({ id, bundle }) => [id, String(bundle["text/plain"])]));
  const final = [...last.values()];
  assert.equal(final.length, 4);
  assert.match(final[0]!, /3\/3 .*in /);
  assert.match(final[1]!, /2\/2 .*in /);
  assert.match(final[2]!, /^2 .*in /);
  assert.match(final[3]!, /1\/3 .*in /);
});

test("an interrupt ends the loop at the next item and leaves the bar where it was", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(async () => {
    let seen = 0;
    await assert.rejects(async () => {
      for await (const x of progress([1, 2, 3, 4])) {
        seen = x;
        if (x === 2) outputs.abort.abort();
      }
    }, InterruptedError);
    assert.equal(seen, 2);
  });
  assert.match(outputs.text().at(-1)!, /2\/4 .*in /);
});

test("in a terminal the line is rewritten and ended; in a log only the end is written", () => {
  const clock = new ManualClock();
  const run = (isTTY: boolean) => {
    let written = "";
    const stream = { isTTY, columns: 60, write: (text: string) => (written += text) };
    const bar = progress({ total: 3 }, { label: "x".repeat(80), clock, stream });
    bar.set(1);
    clock.advance(200);
    bar.set(2);
    bar.done();
    bar.set(3); // Too late: nothing more is written.
    bar.done();
    return written;
  };
  const terminal = run(true);
  assert.equal(terminal.split("\r").length - 1, 4);
  assert.ok(terminal.endsWith("\n"));
  for (const line of terminal.split(/\r\x1b\[2K/)) assert.ok(line.trimEnd().length < 60);
  assert.equal(run(false).split("\n").length - 1, 1);
});

test("nested loops share one output: below each other in a page, side by side in text, the last state of each", async () => {
  const outputs = new RecordedOutputs();
  const clock = new ManualClock();
  await outputs.during(() => {
    for (const epoch of progress([1, 2], { label: "epochs", clock }))
      for (const batch of progress([1, 2, 3], { label: `batches ${epoch}`, clock })) clock.advance(100 * batch);
  });
  assert.equal(new Set(outputs.sent.map(({ id }) => id)).size, 1);
  assert.ok(outputs.text().every((text) => !text.includes("\n")));
  assert.ok(outputs.text().some((text) => /epochs .*1\/2.* │ batches 2 .*1\/3/.test(text)));
  assert.match(outputs.text().at(-1)!, /^epochs .*2\/2 .*in 1\.2 s │ batches 2 .*3\/3 .*in 600 ms$/);
  const { text, elements } = parseXml(String(outputs.sent.at(-1)!.bundle["text/html"]));
  assert.match(text, /epochs.*2\/2.*batches 2.*3\/3/);
  assert.equal(elements.filter(({ name }) => name === "div").length, 3);
});

test("bars at the same time share an output until the last is done; later ones get their own", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(() => {
    const first = progress({ total: 2 }, { label: "a" });
    const second = progress({ total: 2 }, { label: "b" });
    first.done();
    second.advance();
    second.advance();
    second.done("good");
    progress({ total: 1 }, { label: "c" }).done();
  });
  const last = new Map(outputs.sent.map(({ id, bundle }) => [id, String(bundle["text/plain"])]));
  const [shared, own] = [...last.values()];
  assert.equal(last.size, 2);
  assert.match(shared!, /^a .*0\/2.* │ b .*2\/2.* · good$/);
  assert.match(own!, /^c .*0\/1/);
});

test("what is neither items nor a total is refused", () => {
  const wrong = progress as unknown as (work: unknown) => unknown;
  assert.throws(() => wrong(5), {
    name: "InvalidInputError",
    message: /was given 5\. Write progress\(\{ total: 5 \}\)/,
  });
  assert.throws(() => wrong(null), InvalidInputError);
  for (const total of [-1, Number.NaN, "3"]) assert.throws(() => wrong({ total }), InvalidInputError);
  assert.deepEqual([...progress("ab", { stream: { write: () => true } })], ["a", "b"]);
});

test("a stream or a page that fails does not fail the work", async () => {
  const bar = progress(
    { total: 2 },
    {
      stream: {
        write: () => {
          throw new Error("EPIPE");
        },
      },
    },
  );
  bar.set(1);
  bar.done();
});

test("the bar's HTML is escaped, well-formed, and readable without styles", async () => {
  const outputs = new RecordedOutputs();
  await outputs.during(() => progress({ total: 0 }, { label: "<script>" }).done("<img>"));
  const { elements, text } = parseXml(String(outputs.sent.at(-1)!.bundle["text/html"]));
  assert.ok(elements.every(({ name }) => ["div", "span", "b"].includes(name)));
  assert.match(text, /&lt;script&gt;.*0\/0.*&lt;img&gt;/);
});
