import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { TestKernel } from "./client.ts";

const files: Record<string, string> = {
  // ESM only, with a top-level await: require() cannot load it.
  "node_modules/esm-only/package.json": JSON.stringify({
    name: "esm-only",
    type: "module",
    exports: { ".": { import: { types: "./index.d.ts", default: "./index.js" } } },
  }),
  "node_modules/esm-only/index.js":
    "export const answer = await Promise.resolve(42); export let live = 1; export const grow = () => ++live;",
  "node_modules/esm-only/index.d.ts":
    "/** The answer. */\nexport declare const answer: number;\nexport declare let live: number;\nexport declare function grow(): number;",
  "node_modules/common/package.json": JSON.stringify({ name: "common", main: "index.js" }),
  "node_modules/common/index.js": "exports.make = () => ({ kind: 'cjs' });",
  "node_modules/common/index.d.ts": "export declare function make(): { kind: string };",
  // A class that is not exported itself: later cells must know the type all the same.
  "node_modules/hidden/package.json": JSON.stringify({
    name: "hidden",
    type: "module",
    types: "index.d.ts",
    main: "index.js",
  }),
  "node_modules/hidden/index.js": "class Inner { get() { return 5; } } export const create = () => new Inner();",
  "node_modules/hidden/index.d.ts": 'import { Inner } from "./inner.ts";\nexport declare function create(): Inner;',
  "node_modules/hidden/inner.d.ts": "export declare class Inner {\n  #secret;\n  /** Gets it. */\n  get(): number;\n}",
  // A library that throws from its own depths.
  "node_modules/faulty/package.json": JSON.stringify({ name: "faulty", main: "index.js" }),
  "node_modules/faulty/index.js":
    "function deeper(f) { return f(); }\nexports.call = (f) => deeper(f);\nexports.fail = () => { throw new TypeError('from the library'); };\nexports.failLater = async () => { await null; throw new TypeError('later'); };",
  "node_modules/faulty/index.d.ts":
    "export declare function call<T>(f: () => T): T;\nexport declare function fail(): void;\nexport declare function failLater(): Promise<void>;",
  "helper.ts": 'import { base } from "./sub/base";\nexport function triple(x: number): number { return 3 * x + base; }',
  "sub/base.ts": "export const base: number = 0;",
  "data.json": '{ "list": [1, 2, 3] }',
};

describe("cells", { concurrency: false }, () => {
  let kernel: TestKernel;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-cells-"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    kernel = await TestKernel.start({ cwd: folder });
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true });
  });

  const result = async (code: string) => {
    const done = await kernel.execute(code);
    assert.equal(done.reply.status, "ok", JSON.stringify(done.reply));
    return done.result;
  };
  const traceback = async (code: string) => {
    const { reply } = await kernel.execute(code);
    assert.equal(reply.status, "error");
    return { reply, text: stripVTControlCharacters((reply.traceback as string[]).join("\n")) };
  };

  test("names live on, change their type, and may be set from later cells", async () => {
    await result(
      "let n = 1; const list = [1]; class Point { constructor(public x: number) {} } type Pair = [number, number]",
    );
    assert.equal(await result("n += 4; list.push(n); const p: Pair = [n, new Point(2).x]; p"), "[ 5, 2 ]");
    assert.equal(await result("const list = 'now text'; list.toUpperCase()"), "'NOW TEXT'");
    assert.equal(await result("interface Pair { a: string } const q: Pair = { a: list }; q.a.length"), "8");
  });

  test("names of earlier cells in shorthand properties and destructuring", async () => {
    await result(
      "let left = 1, right = 2; interface Both { left: number; right: number }; const both: Both = { left: 8, right: 9 };",
    );
    assert.equal(await result("const pair = { left, right }; pair.left + pair.right"), "3");
    assert.equal(await result("({ left, right = 0 } = both); [left, right]"), "[ 8, 9 ]");
    assert.equal(await result("const { left: l, right: r } = both; ({ left: 1, l, r })"), "{ left: 1, l: 8, r: 9 }");
    assert.equal(
      await result("function sum({ left, right }: Both) { return left + right + l; } sum({ left: 1, right: 1 })"),
      "10",
    );
  });

  test("top-level await, for await and await of an expression in parentheses", async () => {
    assert.equal(await result("const awaited = await Promise.resolve(7); awaited"), "7");
    assert.equal(await result("await (async () => 8)()"), "8");
    const { stdout } = await kernel.execute("for await (const x of [1, Promise.resolve(2)]) console.log(x)");
    assert.equal(stdout, "1\n2\n");
  });

  test("ESM-only packages with top-level await, live bindings and types", async () => {
    assert.equal(await result('import { answer } from "esm-only"; answer'), "42");
    assert.equal(await result('import * as esm from "esm-only"; esm.grow(); esm.live'), "2");
    assert.equal(await result('(await import("esm-only")).answer'), "42");
    const url = "const url: string = 'data:text/javascript,export const answer = 43';";
    assert.equal(await result(`${url} (await import(url)).answer`), "43");
    const { stderr } = await kernel.execute("const wrong: string = answer", { allow_stdin: false });
    assert.match(stderr, /Type 'number' is not assignable to type 'string'/);
  });

  test("CommonJS, JSON, builtin modules and local TypeScript", async () => {
    assert.equal(await result('import { make } from "common"; make().kind'), "'cjs'");
    assert.equal(await result('import data from "./data.json"; data.list.length'), "3");
    assert.equal(await result('import { basename } from "node:path"; basename("/a/b.c")'), "'b.c'");
    assert.equal(await result('import { triple } from "./helper"; triple(2)'), "6");
    assert.equal(await result('import { triple as t2 } from "./helper.ts"; t2(3)'), "9");
  });

  test("a package that is installed while the kernel runs is found", async () => {
    const { reply } = await kernel.execute('import { late } from "late"');
    assert.match(reply.evalue as string, /Cannot find module "late"/);
    await mkdir(join(folder, "node_modules/late"), { recursive: true });
    await writeFile(join(folder, "node_modules/late/package.json"), '{ "name": "late", "main": "index.js" }');
    await writeFile(join(folder, "node_modules/late/index.js"), "exports.late = true;");
    await writeFile(join(folder, "node_modules/late/index.d.ts"), "export declare const late: boolean;");
    assert.equal(await result('import { late } from "late"; late'), "true");
  });

  test("types flow through cells, also those a package does not export", async () => {
    await result('import { create } from "hidden"; const inner = create()');
    const { matches } = await kernel.ask("complete_request", { code: "inner.", cursor_pos: 6 });
    assert.deepEqual(matches, ["get"]);
    const { data } = await kernel.ask("inspect_request", { code: "inner.get()", cursor_pos: 8 });
    assert.match((data as Record<string, string>)["text/plain"]!, /Inner\.get\(\): number[\s\S]*Gets it\./);
    assert.equal(await result("inner.get() + 1"), "6");
  });

  test("cirlab is importable and typed in a folder without it", async () => {
    assert.equal(await result('import { Lab } from "cirlab"; const lab = new Lab({ seed: 3 }); lab.seed'), "3");
    const { matches } = await kernel.ask("complete_request", { code: "lab.se", cursor_pos: 6 });
    assert.deepEqual(matches, ["seed"]);
    const { reply, stderr } = await kernel.execute('new Lab({ seed: "x" })', { allow_stdin: false });
    assert.equal(reply.ename, "InvalidInputError");
    assert.match(stderr, /Type 'string' is not assignable to type 'number'/);
  });

  test("tslab's display works", async () => {
    const { messages } = await kernel.execute(`
import { display as show, newDisplay } from "tslab";
show.html("<b>1</b>");
const slot = newDisplay();
slot.markdown("a");
slot.markdown("b");`);
    const [html, first, second] = messages.slice(1);
    assert.deepEqual(html!.content.data, { "text/html": "<b>1</b>" });
    assert.equal(first!.header.msg_type, "display_data");
    assert.equal(second!.header.msg_type, "update_display_data");
    assert.deepEqual(first!.content.transient, second!.content.transient);
  });

  test("an error names the cell's own line and column and the user's frames only", async () => {
    const { reply, text } = await traceback(`interface Shape { side: number }

function area(shape: Shape): number {
  const typed: Shape = shape; throw new RangeError(\`bad side \${typed.side}\`);
}
await new Promise((resolve) => setTimeout(resolve, 1)); for (const side of [1]) area({ side });`);
    assert.equal(reply.ename, "RangeError");
    assert.equal(reply.evalue, "bad side 1");
    const n = reply.execution_count;
    const frames = text.split("\n").filter((line) => line.trim().startsWith("at "));
    assert.deepEqual(
      frames.map((frame) => frame.trim()),
      [`at area (cell ${n}:4:37)`, `at cell ${n}:6:81`],
    );
    assert.match(text, /> 4 \| {3}const typed: Shape = shape; throw new RangeError/);
  });

  test("frames of libraries are left out, those of older cells are not", async () => {
    const declared = await kernel.execute("function thrower(): void {\n  throw new Error('deep');\n}");
    const { reply, text } = await traceback('import { call, fail } from "faulty";\ncall(() => thrower());');
    assert.match(text, new RegExp(`at thrower \\(cell ${declared.reply.execution_count}:2:9\\)`));
    assert.match(text, new RegExp(`cell ${reply.execution_count}:2:12`));
    assert.doesNotMatch(text, /node_modules|dist\/kernel|node:/);
    const library = await traceback("fail()");
    assert.match(library.text, /from the library\n> 1 \| fail\(\)/);
    const later = await traceback('import { failLater } from "faulty"; await failLater();');
    assert.match(later.text, /later\n> 1 \| import.*\n.*\n {4}at async cell \d+:1:37$/);
  });

  test("uncaught errors and rejections are told under their cell", async () => {
    const running = kernel.send(
      "setTimeout(() => { throw new Error('stray') }, 1); void Promise.reject(new Error('unheard'));",
    );
    await running.done;
    const heard = (text: string) =>
      kernel.until(() =>
        kernel.received.find(
          (m) => m.header.msg_type === "stream" && stripVTControlCharacters(String(m.content.text)).includes(text),
        ),
      );
    assert.equal((await heard("Uncaught: Error: stray")).parent_header.msg_id, running.id);
    assert.equal((await heard("Unhandled rejection: Error: unheard")).parent_header.msg_id, running.id);
    assert.equal(await result("1"), "1");
  });

  test("thrown values that are no errors, and causes", async () => {
    assert.equal((await kernel.execute("throw 'text'")).reply.evalue, "text");
    const { text } = await traceback("throw new Error('outer', { cause: new TypeError('inner') })");
    assert.match(text, /Caused by TypeError: inner/);
  });

  test("magics: registered ones run, unknown ones are named", async () => {
    await result(
      '(globalThis as any)[Symbol.for("Jupyter.host")].registerMagic("shout", async (body: string, args: string) => body.toUpperCase() + args)',
    );
    assert.equal(await result("%%shout !\nhello\nyou"), "'HELLO\\nYOU!'");
    const { reply } = await kernel.execute("%%nothing\nx");
    assert.match(reply.evalue as string, /There is no %%nothing\. Known: .*%%shout/);
  });

  test("cells run in the notebook's folder", async () => {
    assert.equal(await result("process.cwd()"), `'${folder}'`);
  });
});
