import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestKernel } from "./client.ts";
import { type Bundle, cellsOf, data, displayId, ofType, startWithApi } from "./shown.ts";

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("display", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await startWithApi();
  });
  after(() => kernel.stop());
  const { run, text } = cellsOf(() => kernel);

  test("the global display and input are those of cirlab/kernel", async () => {
    assert.equal(await text("(globalThis as any).display === display && (globalThis as any).input === input"), "true");
    const code = "display.ht";
    assert.deepEqual((await kernel.ask("complete_request", { code, cursor_pos: code.length })).matches, ["html"]);
    const inspected = await kernel.ask("inspect_request", { code: "display.vegalite", cursor_pos: 12 });
    assert.match(String((inspected.data as Bundle)["text/plain"]), /Vega-Lite 5 specification/);
  });

  test("each kind of display has its mime types, and text for readers without them", async () => {
    const code = `
display.html("<b>one</b><script>1 < 2</script> &lt;");
display.markdown("**m**");
display.svg({ outerHTML: "<svg/>" } as any);
display.latex("e^x"); display.latex("$y$");
display.json({ a: [1] });
display.javascript("1");
display.png("${png}", { metadata: { "image/png": { width: 30 } } });
display.png(Buffer.from("${png}", "base64"));
display({ "text/html": "raw" });`;
    const messages = ofType(await run(code), "display_data");
    assert.deepEqual(messages.map(data), [
      { "text/html": "<b>one</b><script>1 < 2</script> &lt;", "text/plain": "one <" },
      { "text/markdown": "**m**", "text/plain": "**m**" },
      { "image/svg+xml": "<svg/>", "text/plain": "(an SVG image)" },
      { "text/latex": "$$e^x$$", "text/plain": "e^x" },
      { "text/latex": "$y$", "text/plain": "$y$" },
      { "application/json": { a: [1] }, "text/plain": "{ a: [ 1 ] }" },
      { "text/javascript": "1", "text/plain": "(JavaScript for the page)" },
      { "image/png": png, "text/plain": "(a PNG image, 1×1)" },
      { "image/png": png, "text/plain": "(a PNG image, 1×1)" },
      { "text/html": "raw" },
    ]);
    assert.deepEqual(messages[7]!.content.metadata, { "image/png": { width: 30 } });
  });

  test("bad data are refused with what to do", async () => {
    const refused = async (code: string) => String((await kernel.execute(code)).reply.evalue);
    assert.match(
      await refused("display.png(new Uint8Array([0xff, 0xd8, 0xff, 1]))"),
      /begin with ffd8ff01 \(image\/jpeg\)\. Use display\(\{ "image\/jpeg": data \}\)/,
    );
    assert.match(await refused("display.html(5 as any)"), /must be text or an element with outerHTML, was 5/);
    assert.match(await refused("display.vegalite('x' as any)"), /must be an object, was 'x'/);
  });

  test("a chart comes as Vega-Lite with a static picture before its cell ends; a broken one says why", async () => {
    const spec = (mark: string) =>
      `display.vegalite({ title: "T", mark: "${mark}", data: { values: [{ x: 1 }] }, encoding: { x: { field: "x", type: "quantitative" } } })`;
    const done = await run(`${spec("point")}; 7`);
    const [place] = ofType(done, "display_data");
    const [chart] = ofType(done, "update_display_data");
    assert.equal(displayId(chart), displayId(place));
    assert.match(String(data(chart)["image/svg+xml"]), /^<svg /);
    assert.equal((data(chart)["application/vnd.vegalite.v5+json"] as Bundle).mark, "point");
    assert.equal(data(chart)["text/plain"], "(chart: T)");
    assert.equal(done.result, "7");
    const remote = data(
      ofType(await run(`display.vegalite({ mark: "bar", data: { url: "x.csv" } })`), "display_data")[0],
    );
    assert.deepEqual(Object.keys(remote), ["application/vnd.vegalite.v5+json", "text/plain"]);
    const broken = data(ofType(await run(spec("no-such-mark")), "update_display_data")[0]);
    assert.match(String(broken["text/plain"]), /\(chart: T\) \(no static picture: /);
  });

  test("a handle updates its output in its own kind, and is no result of its own", async () => {
    const done = await run(`const slot = display.html("<i>a</i>"); slot.update("<i>b</i>"); slot`);
    assert.deepEqual(
      done.messages.map((m) => m.header.msg_type),
      ["execute_input", "display_data", "update_display_data"],
    );
    assert.equal(data(done.messages[2])["text/html"], "<i>b</i>");
    assert.equal(await text("typeof slot.displayId"), "'string'");
  });

  test("an output is replaced by its display id from a later cell", async () => {
    const first = ofType(await run(`display("first", { displayId: "place" }).displayId`), "display_data")[0];
    assert.equal(displayId(first), "place");
    const later = await run(`updateDisplay("place", { second: 2 }, { metadata: { tag: 1 } })`);
    const [update] = ofType(later, "update_display_data");
    assert.deepEqual(update!.content, {
      data: { "text/plain": "{ second: 2 }" },
      metadata: { tag: 1 },
      transient: { display_id: "place" },
    });
  });

  test("values that render later keep their place and order", async () => {
    const done = await run(`
const later = (text: string, ms: number) => ({
  async [Symbol.for("Jupyter.display")]() { await new Promise((r) => setTimeout(r, ms)); return { "text/plain": text }; },
});
const slow = display(later("slow", 30));
slow.update(later("fast", 1));
slow.update("last");
console.log("between");`);
    const messages = done.messages.slice(1);
    assert.deepEqual(
      messages.map((m) => (m.header.msg_type === "stream" ? m.content.text : data(m)["text/plain"])),
      ["", "between\n", "slow", "fast", "'last'"],
    );
    assert.equal(new Set(messages.filter((m) => m.content.transient).map(displayId)).size, 1);
  });

  test("clearOutput stands between the outputs where it was called", async () => {
    const { messages } = await run(`display(1); clearOutput(true); display(2); clearOutput(); console.log(3)`);
    assert.deepEqual(
      messages.slice(1).map((m) => m.content.wait ?? m.content.text ?? data(m)["text/plain"]),
      ["1", true, "2", false, "3\n"],
    );
  });

  test("the console is Node's: no colours, tables, groups, styles; warnings on standard error", async () => {
    const { stdout, stderr, messages } = await run(`
console.log({ a: 1 }, [1, "x"], "text", 5, null);
console.table([{ a: 1 }]);
console.dir({ a: { b: {} } }, { depth: 0 });
console.group("group"); console.info("inside"); console.groupEnd();
console.log("%cstyled %d %s", "color: red", 42, "end");
console.count(); console.assert(false, "asserted");
console.time("t"); console.timeEnd("t");
console.warn("w"); console.error(new Error("shown").message);`);
    const lines = stdout.split("\n");
    assert.equal(lines[0], "{ a: 1 } [ 1, 'x' ] text 5 null");
    assert.deepEqual(lines.slice(3, 5), ["├─────────┼───┤", "│ 0       │ 1 │"]);
    assert.deepEqual(lines.slice(6, 11), ["{ a: [Object] }", "group", "  inside", "styled 42 end", "default: 1"]);
    assert.match(lines[11]!, /^t: [\d.]+ms$/);
    assert.equal(stderr, "Assertion failed: asserted\nw\nshown\n");
    assert.ok(!JSON.stringify(messages.map((m) => m.content)).includes("\\u001b"), "colours");
  });

  test("tslab's whole API, with tslab's mime types", async () => {
    const { messages } = await run(`
import * as tslab from "tslab";
const bytes = new Uint8Array([1, 2, 3]);
for (const kind of ["javascript", "html", "markdown", "latex", "svg", "text"] as const) tslab.display[kind](kind);
for (const kind of ["png", "jpeg", "gif", "pdf"] as const) tslab.display[kind](bytes);
tslab.display.raw("text/csv", "a,b");
const slot2 = tslab.newDisplay();
slot2.text("one"); slot2.html("two"); slot2.raw("image/png", bytes);
console.log(Object.keys(tslab.versions).sort().join());`);
    const shown = messages.slice(1);
    const types =
      "text/javascript text/html text/markdown text/latex image/svg+xml text/plain image/png image/jpeg image/gif application/pdf text/csv";
    assert.deepEqual(
      shown.slice(0, 11).map((m) => Object.keys(data(m))),
      types.split(" ").map((type) => [type]),
    );
    assert.equal(data(shown[6])["image/png"], "AQID");
    assert.ok(shown.slice(0, 11).every((m) => m.header.msg_type === "display_data" && displayId(m) === undefined));
    assert.deepEqual(
      shown.slice(11, 14).map((m) => [m.header.msg_type, Object.keys(data(m))[0]]),
      [
        ["display_data", "text/plain"],
        ["update_display_data", "text/html"],
        ["update_display_data", "image/png"],
      ],
    );
    assert.equal(new Set(shown.slice(11, 14).map(displayId)).size, 1);
    assert.equal(shown[14]!.content.text, "node,tslab,typescript\n");
  });
});
