import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseXml } from "../display/tools.ts";
import type { TestKernel } from "./client.ts";
import { cellsOf, data, ofType, startWithApi } from "./shown.ts";

describe("values as results", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await startWithApi();
  });
  after(() => kernel.stop());
  const { run, shown, text } = cellsOf(() => kernel);

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
});
