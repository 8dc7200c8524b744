import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../kernel/package.ts";
import type { JupyterMessage } from "../../kernel/protocol/index.ts";
import { parseXml } from "../display/tools.ts";
import { type Execution, TestKernel } from "./client.ts";

type Bundle = Record<string, unknown>;

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const api =
  'import { clearOutput, display, input, openComm, progress, registerTarget, updateDisplay } from "cirlab/kernel";';

const ofType = ({ messages }: { messages: JupyterMessage[] }, type: string) =>
  messages.filter((m) => m.header.msg_type === type);
const data = (message: JupyterMessage | undefined) => message?.content.data as Bundle;
const displayId = (message: JupyterMessage | undefined) =>
  (message?.content.transient as { display_id?: string } | undefined)?.display_id;

describe("display", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
    await run(api);
  });
  after(() => kernel.stop());

  async function run(code: string): Promise<Execution> {
    const done = await kernel.execute(code);
    assert.equal(done.reply.status, "ok", `${code}\n${JSON.stringify(done.reply)}`);
    return done;
  }
  /** The bundle of a cell's result. */
  const shown = async (code: string) => data(ofType(await run(code), "execute_result")[0]);
  const text = async (code: string) => String((await shown(code))["text/plain"]);

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

  test("arrays, maps and sets of objects are tables in HTML that is escaped, bounded and aligned", async () => {
    const attack = `<img src=x onerror="alert(1)">`;
    const bundle = await shown(`[{ [${JSON.stringify(attack)}]: ${JSON.stringify(attack)}, n: 1 }, { n: 2.5 }]`);
    assert.match(String(bundle["text/plain"]), /n: 2\.5/);
    const html = String(bundle["text/html"]);
    const { elements, text: visible } = parseXml(`<div>${html}</div>`);
    assert.deepEqual(
      [...new Set(elements.map(({ name }) => name))].sort(),
      "div table tbody td th thead tr".split(" "),
    );
    assert.equal(visible.split("&lt;img").length, 3);
    assert.match(html, /<td style="text-align:right[^>]*>2\.5</);

    const wide = `Object.fromEntries(Array.from({ length: 40 }, (_, i) => ["c" + i, i]))`;
    const large = String((await shown(`Array.from({ length: 1000 }, () => (${wide}))`))["text/html"]);
    assert.equal(large.split("<tr ").length - 1, 101);
    assert.match(large, /<th[^>]*>c29</);
    assert.doesNotMatch(large, />c30</);
    assert.match(large, /… 900 more rows, 10 more columns/);

    const map = String((await shown(`new Map([["k", { v: 1 }]])`))["text/html"]);
    assert.match(map, />key<.*>v<.*>k<.*>1</);
    assert.match(String((await shown(`new Map([["k", 1]])`))["text/html"]), />key<.*>value<.*>k<.*>1</);
    assert.match(String((await shown("new Set([{ v: 1 }])"))["text/html"]), />v<.*>1</);
    for (const code of ["[{ a: 1 }, null]", "[[1]]", "[]", "[{}]", "new Set([1])", "[new Date(0)]"])
      assert.deepEqual(Object.keys(await shown(code)), ["text/plain"], code);
    const odd = await shown(
      `[{ get bad(): number { throw new Error("asked") }, constructor: 1, ["__proto__"]: 2, nested: { a: [1, 2] } }]`,
    );
    assert.match(String(odd["text/html"]), />\[Getter\]<.*>1<.*>2<.*>\{ a: \[ 1, 2 \] \}</);
  });

  test("typed arrays and tensors are told by type, shape, range and first values", async () => {
    assert.equal(await text("new Int8Array([1, 2])"), "Int8Array(2) [ 1, 2 ]");
    assert.match(
      await text("Float32Array.from({ length: 1000 }, (_, i) => i === 7 ? NaN : i === 8 ? Infinity : i)"),
      /^Float32Array\(1000\) · min 0 · max 999 · mean 500\.\d+ · 1 NaN · 1 infinite\n\[0, 1, 2, .*, … 990 more\]$/,
    );
    assert.match(
      await text("new BigInt64Array(200).fill(3n)"),
      /^BigInt64Array\(200\) · min 3 · max 3 · mean 3\n\[3, 3/,
    );
    assert.equal(
      await text(`({ dims: [2, 2], type: "float32", data: new Float32Array([1, 2, 3, NaN]) })`),
      "Tensor · float32 · [2, 2] · min 1 · max 3 · mean 2 · 1 NaN\n[ [ 1, 2 ], [ 3, NaN ] ]",
    );
    assert.match(
      await text(`({ dims: [3], type: "float16", data: new Uint16Array([0x3c00, 0xc000, 0x7c00]) })`),
      /min -2 · max 1 · mean -0\.5 · 1 infinite\n\[ 1, -2, Infinity \]/,
    );
    assert.equal(
      await text(
        `class Tensor { dims = [4, 5]; type = "float32"; location = "gpu-buffer"; get data(): Float32Array { throw new Error("not on cpu") } } new Tensor()`,
      ),
      "Tensor · float32 · [4, 5] · gpu-buffer",
    );
    assert.match(
      await text(`({ dims: [0, 3], type: "int64", data: new BigInt64Array(0) })`),
      /int64 · \[0, 3\]\n\[\]$/,
    );
  });

  test("errors as values: the user's frames and line, the cause and what else they carry, without colours", async () => {
    const error = await text(
      `const failure = Object.assign(new RangeError("no", { cause: new Error("why") }), { code: "E1" }); failure`,
    );
    assert.match(
      error,
      /^RangeError: no\n> 1 \| const failure.*\n.*\^\n +at cell \d+:1:31\nCaused by Error: why\ncode: 'E1'$/,
    );
    const code = "const made = (message: string) =>\n  new Error(message);";
    await run(code);
    const { messages } = await run(`display(made("shown"))`);
    assert.match(String(data(ofType({ messages }, "display_data")[0])["text/plain"]), /> 2 \| {3}new Error\(message\)/);
  });

  test("functions, promises and elements of a page are told in a line", async () => {
    assert.match(
      await text(`function sum(a: number, { b = ")" }: any = {}) { return a } sum`),
      /^\[Function: sum\(a, \{ b = "\)" \} = \{\}\)\]$/,
    );
    assert.match(
      await text("async function load(url: string) { return url } load"),
      /^\[(?:Async)?Function: load\(url\)\]$/,
    );
    assert.match(await text("class Empty {} Empty"), /^\[class Empty\]$/);
    assert.equal(await text("[Promise.resolve(3)]"), "[ Promise { 3 } ]");
    assert.equal(await text("new Promise(() => {})"), "Promise { <pending> }");
    const element = await shown(`class Element { outerHTML = "<b onclick='x()'>hi</b>" } new Element()`);
    assert.deepEqual(element, { "text/plain": "<b onclick='x()'>hi</b>" });
  });

  test("hostile values never end a cell: the text says what is wrong", async () => {
    const hostile: [string, RegExp][] = [
      [`const ring: any = {}; ring.self = ring; ring`, /Circular/],
      [`({ get bad() { throw new Error("asked") } })`, /\[Getter\]/],
      [`new Proxy({}, new Proxy({}, { get() { throw new Error("trap") } }))`, /^\{\}$/],
      [`new Proxy([{ a: 1 }], { get() { throw new Error("trap") } })`, /a: 1/],
      [
        `new (class { get [Symbol.toStringTag](): string { throw new Error("tag") } })()`,
        /cannot be shown: Error: tag/,
      ],
      [
        `({ [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("custom") } })`,
        /inspection failed: Error: custom/,
      ],
      [`({ [Symbol.for("Jupyter.display")]() { throw { odd: 1 } } })`, /display method failed: \{ odd: 1 \}/],
      [
        `({ async [Symbol.for("Jupyter.display")]() { throw new Error("late") } })`,
        /display method failed: Error: late/,
      ],
      [`({ [Symbol.for("Jupyter.display")]() { return 5 } })`, /it returned 5, which is no bundle/],
      [
        `({ [Symbol.for("Jupyter.display")]() { return { "application/json": { n: 1n } } } })`,
        /application\/json cannot be sent: .*BigInt/,
      ],
      [`({ get [Symbol.for("Jupyter.display")](): any { throw new Error("got") }, x: 1 })`, /x: 1/],
      [`class Bad extends Error { get message(): string { throw new Error("msg") } } new Bad()`, /./],
    ];
    for (const [code, expected] of hostile) assert.match(await text(code), expected, code);
    const { messages } = await run(`display({ "text/html": () => 1, "application/json": ring }); 1`);
    assert.match(String(data(messages[1])["text/plain"]), /application\/json cannot be sent/);
  });

  test("large values are shortened, and the text tells how much is missing", async () => {
    assert.match(await text(`"x".repeat(20_000_000)`), /^'x{10000}'\.\.\. 19990000 more characters$/);
    const wide = await text(`Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => ["k" + i, i]))`);
    assert.match(wide, /k99: 99\n\}\n… 199,900 more properties$/);
    const cube = await text(
      "Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => new Array(100).fill(1)))",
    );
    assert.ok(cube.length < 200_000, `${cube.length} characters`);
    assert.match(cube, /80 more items\n\]\n… shortened: the whole is too long to print$/);
    const markup = await text(`({ __proto__: {}, outerHTML: "<p>" + "y".repeat(1_000_000) })`);
    assert.match(markup, /… 900,003 more characters$/);
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

  test("progress of nested loops is one output and one line, and its last state is shown", async () => {
    const done = await run(`
for (const epoch of progress([1, 2], { label: "epochs" }))
  for await (const batch of progress((async function* () { yield 1; yield 2; })(), { label: "batches", total: 2, unit: "b" })) {}`);
    const [first] = ofType(done, "display_data");
    const updates = ofType(done, "update_display_data");
    assert.equal(ofType(done, "display_data").length, 1);
    assert.ok(updates.every((m) => displayId(m) === displayId(first)));
    const last = data(updates.at(-1));
    assert.match(String(last["text/plain"]), /^epochs .*2\/2 · .*in [\d.]+ m?s │ batches .*2\/2 b · .*in [\d.]+ m?s$/);
    assert.match(String(last["text/html"]), /<b>epochs<\/b>.*2\/2.*<b>batches<\/b>.*2\/2/);
  });

  test("ten thousand steps are a few updates; a loop that is left shows where it was", async () => {
    const done = await run(`
let taken = 0;
for (const x of progress(Array.from({ length: 10_000 }, (_, i) => i))) taken = x;
for (const x of progress([1, 2, 3, 4])) if (x === 3) break;
const bar = progress({ total: 10 }, { label: "by hand" });
bar.advance(); bar.set(4, { text: "loss 0.1" }); bar.done();`);
    const last = new Map(
      done.messages.filter((m) => displayId(m)).map((m) => [displayId(m), String(data(m)["text/plain"])]),
    );
    const [whole, left, hand] = [...last.values()];
    assert.match(whole!, /10,000\/10,000 · .*\/s · in /);
    assert.match(left!, /2\/4 · .*in /);
    assert.match(hand!, /^by hand .*4\/10 · .*in .* · loss 0\.1$/);
    assert.ok(done.messages.length < 60, `${done.messages.length} messages`);
    const { reply } = await kernel.execute("progress(5 as any)");
    assert.match(String(reply.evalue), /Write progress\(\{ total: 5 \}\)/);
  });

  test("a loop with progress is interrupted, and its bar stays where it was", async () => {
    const running = kernel.send(
      "let turns = 0; for (const x of progress([1, 2, 3])) { turns++; display('in'); await new Promise(() => {}); }",
    );
    await running.until((m) => m.header.msg_type === "display_data" && data(m)["text/plain"] === "'in'");
    await kernel.interrupt();
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
    assert.equal(await text("turns"), "1");
    const next = await run("for (const x of progress([1], { label: 'next' })) {}");
    assert.match(String(data(ofType(next, "update_display_data").at(-1))["text/plain"]), /^next /);
  });

  test("input and passwords", async () => {
    const asked: unknown[] = [];
    const stop = kernel.client.onMessage((message) => {
      if (message.header.msg_type !== "input_request") return;
      asked.push(message.content);
      void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "secret" }));
    });
    assert.equal(
      await text(`[await input("who? "), await input("key: ", { password: true })]`),
      "[ 'secret', 'secret' ]",
    );
    stop();
    assert.deepEqual(asked, [
      { prompt: "who? ", password: false },
      { prompt: "key: ", password: true },
    ]);
  });

  describe("comms", () => {
    const toPage = (type: string, id: string) =>
      kernel.until(() => kernel.received.find((m) => m.header.msg_type === type && m.content.comm_id === id));
    const send = async (type: string, content: Bundle, buffers: Uint8Array[] = []) => {
      const message = kernel.client.message(type, content, { buffers });
      await kernel.client.send("shell", message);
      const id = message.header.msg_id;
      await kernel.until(() =>
        kernel.received.find(
          (m) =>
            m.header.msg_type === "status" && m.content.execution_state === "idle" && m.parent_header.msg_id === id,
        ),
      );
      return kernel.received.filter((m) => m.header.msg_type === "stream" && m.parent_header.msg_id === id);
    };

    test("numbers travel both ways as binary buffers; messages before a listener wait for it", async () => {
      const { messages } = await run(`
const comm = openComm("viewer", { rows: 2 }, { metadata: { version: 1 }, buffers: [new Float32Array([1.5, 2.5])] });
comm.send({}, [new DataView(new ArrayBuffer(2)), new ArrayBuffer(3)]);`);
      const [open, sent] = messages.slice(1);
      assert.equal(open!.content.target_name, "viewer");
      assert.deepEqual(open!.metadata, { version: 1 });
      assert.deepEqual(new Float32Array(Uint8Array.from(open!.buffers[0]!).buffer), new Float32Array([1.5, 2.5]));
      assert.deepEqual(
        sent!.buffers.map((b) => b.length),
        [2, 3],
      );
      const comm_id = open!.content.comm_id as string;
      await send("comm_msg", { comm_id, data: 1 }, [Buffer.from([7])]);
      await send("comm_msg", { comm_id, data: 2 });
      await run(
        "const got: unknown[] = []; comm.onMessage((data, buffers) => got.push([data, buffers.map((b) => [...b])]));",
      );
      await send("comm_msg", { comm_id, data: 3 });
      assert.equal(await text("got"), "[ [ 1, [ [ 7 ] ] ], [ 2, [] ], [ 3, [] ] ]");
      await send("comm_close", { comm_id, data: "bye" });
      await run("let goodbye: unknown; comm.onClose((data) => { goodbye = data; }); comm.send(1); comm.close();");
      assert.equal(await text("[comm.isClosed, goodbye]"), "[ true, 'bye' ]");
      assert.ok(!kernel.received.some((m) => m.header.msg_type === "comm_close" && m.content.comm_id === comm_id));
    });

    test("a listener that throws is told under the page's message; the others hear it all the same", async () => {
      await run(`
const heard: unknown[] = [];
registerTarget("fragile", (comm, data) => {
  if (data === "refuse") throw new Error("not today");
  comm.onMessage(() => { throw new Error("deaf"); });
  comm.onMessage((data) => heard.push(data));
});`);
      await send("comm_open", { comm_id: "f1", target_name: "fragile", data: {} });
      const printed = await send("comm_msg", { comm_id: "f1", data: 5 });
      assert.match(String(printed[0]!.content.text), /deaf/);
      assert.equal(await text("heard"), "[ 5 ]");
      const refusal = await send("comm_open", { comm_id: "f2", target_name: "fragile", data: "refuse" });
      assert.match(String(refusal[0]!.content.text), /not today/);
      await toPage("comm_close", "f2");
    });

    test("a listener that does not end is interrupted, also inside a built-in loop", async () => {
      await run(`
registerTarget("endless", (comm, data) => {
  console.log("spins");
  if (data === "loop") while (true) {}
  Array.from({ length: 1e9 }, (_, i) => i).sort();
});`);
      for (const how of ["loop", "built in"]) {
        const content = { comm_id: how, target_name: "endless", data: how };
        const message = kernel.client.message("comm_open", content);
        await kernel.client.send("shell", message);
        const said = (text: RegExp) =>
          kernel.until(() =>
            kernel.received.some(
              (m) => m.parent_header.msg_id === message.header.msg_id && text.test(String(m.content.text)),
            ),
          );
        await said(/spins/);
        await kernel.interrupt();
        await said(/KernelInterrupt/);
        await toPage("comm_close", how);
        assert.equal(await text("heard"), "[ 5 ]");
      }
    });

    test("a cell closes its comm: the page is told once", async () => {
      const { messages } = await run(
        `const short = openComm("x"); short.close({ why: 1 }); short.close(); short.send(2);`,
      );
      assert.deepEqual(
        messages.slice(1).map((m) => m.header.msg_type),
        ["comm_open", "comm_close"],
      );
      assert.deepEqual(messages[2]!.content.data, { why: 1 });
    });
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

describe("cirlab/kernel without a notebook", () => {
  /** Runs a module of this package in a plain Node process. */
  async function plain(code: string, stdin = ""): Promise<{ stdout: string; stderr: string; code: number | null }> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", `${api}\n${code}`], { cwd: packageRoot });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    child.stdin.end(stdin);
    const exit = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { ...output, code: exit };
  }

  test("values, updates and charts are printed as text; progress is one line", async () => {
    const { stdout, stderr, code } = await plain(`
const handle = display([{ a: 1 }]);
handle.update({ b: 2 });
updateDisplay(handle.displayId, 3);
clearOutput(true);
display.html("<p>text</p>");
await display.vegalite({ title: "C", mark: "point", data: { values: [] } }).ready;
let sum = 0;
for (const x of progress([1, 2, 3], { label: "loop" })) for (const y of progress([1, 2])) sum += x * y;
display(sum);`);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "[ { a: 1 } ]\n{ b: 2 }\n3\ntext\n(chart: C)\n18\n");
    assert.match(stderr, /^loop .*3\/3 · .*in [^\n]* │ .*2\/2[^\n]*\n$/);
  });

  test("questions read one line each from standard input; its end is an error", async () => {
    const { stdout, code } = await plain(
      `
const answers = await Promise.all([input("name? "), input("key? ", { password: true })]);
console.log(answers);
await input("more? ").catch((error) => console.log(error.code));`,
      "Ada\nsecret\n",
    );
    assert.equal(code, 0);
    assert.equal(stdout, "name? key? [ 'Ada', 'secret' ]\nmore? end-of-input\n");
  });

  test("a process that has asked ends although its input stays open", async () => {
    const child = spawn(
      process.execPath,
      ["--input-type=module", "--eval", `${api} console.log("got", await input("? "));`],
      { cwd: packageRoot, stdio: ["pipe", "pipe", "inherit"] },
    );
    child.stdin.write("one\ntwo\n");
    assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
    child.stdin.destroy();
  });

  test("channels to a page are refused", async () => {
    const { stdout } = await plain(`try { openComm("x") } catch (error) { console.log(error.code, error.message) }`);
    assert.match(stdout, /^no-notebook Channels need the page of a notebook\./);
  });
});
