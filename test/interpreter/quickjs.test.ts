import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { Interpreter } from "../../src/interpreter/interpreter.ts";
import { javascriptSnippets } from "./quickjs-snippets.ts";

const js = await Interpreter.start({ language: "javascript", lanes: 2, memoryMb: 64 });
after(() => js.close());

test("useful snippets print what Node prints", async () => {
  const results = await Promise.all(javascriptSnippets.map(([, code]) => js.run(code)));
  for (const [i, [name, , output]] of javascriptSnippets.entries()) {
    assert.equal(results[i]!.stdout, output, name);
    assert.equal(results[i]!.status, "ok", name);
  }
});

/** Hostile code, how it must end, and what it must have printed by then. */
const attacks: readonly [name: string, code: string, status: string, stdout?: string | RegExp][] = [
  ["endless loop", "console.log('a'); for (;;);", "timeout", "a\n"],
  ["endless loop that catches", "for (;;) { try { for (;;); } catch {} finally { continue; } }", "timeout"],
  ["endless promises", "const again = () => Promise.resolve().then(again); again();", "timeout"],
  ["endless timers", "setInterval(() => {}, 0);", "timeout"],
  ["endless getter while printing", "console.log({ get [Symbol.toStringTag]() { for (;;); } });", "timeout"],
  [
    "endless getter of an error",
    "throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } });",
    "timeout",
  ],
  ["endless generator", "console.log(Math.max(...(function* () { for (;;) yield 1; })()));", /timeout|memory/.source],
  ["backtracking expression", "/^(a+)+$/.test('a'.repeat(60) + 'b');", "timeout"],
  ["endless native work", "new Array(2 ** 32 - 1).join();", "timeout|memory|error"],
  ["nested native work", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);", "timeout"],
  ["giant integer", "(7n ** 3000000n).toString();", "timeout|memory|error"],
  ["memory bomb", "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));", "memory"],
  ["memory bomb in strings", "let s = 'x'; for (;;) s += s + s;", "memory|error"],
  ["giant string", "'x'.repeat(2 ** 31);", "error"],
  [
    "memory bomb that catches",
    "const all = []; for (;;) { try { all.push('x'.repeat(1 << 16) + all.length); } catch {} }",
    "timeout",
  ],
  ["giant typed array", "new Float64Array(2 ** 30);", "error|memory"],
  ["endless recursion", "const f = () => f() + 1; f();", "error"],
  ["endless recursion through natives", "const f = () => [1].map(f); f();", "error"],
  [
    "endless recursion through getters",
    "const o = { get x() { return JSON.stringify(o); } }; JSON.stringify(o);",
    "error",
  ],
  ["deep parse", "eval('['.repeat(1e6));", "error"],
  ["deep expression", "new RegExp('('.repeat(1e6));", "error"],
  ["deep JSON", "JSON.parse('['.repeat(1e6));", "error"],
  [
    "deep object printed",
    "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; console.log(a);",
    "ok",
    "{ a: { a: { a: [Object] } } }\n",
  ],
  ["flood of output", "for (;;) console.log('x'.repeat(1000));", "outputLimit", /^(x{1000}\n)+x*$/],
  ["flood in one piece", "console.log('x'.repeat(1 << 22));", "outputLimit", /^x+$/],
  ["flood of groups", "for (;;) console.group('g');", "outputLimit|timeout|memory"],
  ["endless table", "console.table(Array.from({ length: 1e5 }, () => ({ a: 1 })));", "ok|outputLimit|timeout"],
  ["promise that never resolves", "console.log(1); await new Promise(() => {});", "error", "1\n"],
  ["process of the host", "console.log((() => {}).constructor('return typeof process')());", "ok", "undefined\n"],
  [
    "process through the console",
    "console.log(console.log.constructor('return typeof process')());",
    "ok",
    "undefined\n",
  ],
  [
    "process through an error",
    "try { null.x; } catch (e) { console.log(e.constructor.constructor('return typeof require')()); }",
    "ok",
    "undefined\n",
  ],
  [
    "modules of the host",
    "await import('node:fs').then(() => console.log('open'), () => console.log('shut'));",
    "ok",
    "shut\n",
  ],
  [
    "network",
    "console.log(typeof fetch, typeof WebSocket, typeof XMLHttpRequest, typeof Worker);",
    "ok",
    "undefined undefined undefined undefined\n",
  ],
  [
    "broken prototypes",
    "for (const C of [Object, Array, String, Map, Function, Promise, RegExp]) for (const k of Reflect.ownKeys(C.prototype)) try { C.prototype[k] = () => { throw 1; }; } catch {} console.log('a', [1]);",
    "ok|error|crash",
  ],
  [
    "poisoned prototype",
    "Object.prototype.toJSON = () => 'x'; Array.prototype.push = () => {}; Object.prototype.get = 1; console.log({ a: [1] });",
    "ok",
    "{ a: [ 1 ] }\n",
  ],
  ["forged protocol", 'console.log(\'\\n{"id":1,"done":"report","reusable":true}\\n\');', "ok"],
  [
    "proxy that lies",
    "console.log(new Proxy([], { get() { throw 1; }, ownKeys() { throw 2; }, getPrototypeOf() { throw 3; } }));",
    "ok",
  ],
  [
    "broken console",
    "console.log = null; delete globalThis.console; Math.random = null; Promise = null; Error = null; null.x;",
    "error",
  ],
  ["thrown nonsense", "throw new Proxy({}, { get() { throw 1; } });", "error"],
  ["prototype of an error", "const e = new Error(); Object.setPrototypeOf(e, null); throw e;", "error"],
  ["thrown undefined", "throw undefined;", "error"],
  ["rejected with nothing", "await Promise.reject();", "error"],
  ["unpaired surrogate", "console.log('\\ud800');", "ok", "\ufffd\n"],
  ["nul", "console.log('a\\0b');", "ok", "a\0b\n"],
  ["binary code", "\0", "error"],
  ["waiting on memory", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", "error|timeout"],
];

for (const [name, code, status, stdout] of attacks)
  test(`survives: ${name}`, async () => {
    const found = await js.run(code, { timeoutMs: status === "timeout" ? 400 : 5000, maxOutputBytes: 1 << 16 });
    assert.match(found.status, new RegExp(`^(?:${status})$`), JSON.stringify(found).slice(0, 500));
    if (typeof stdout === "string") assert.equal(found.stdout, stdout);
    else if (stdout) assert.match(found.stdout, stdout);
    assert.ok(Buffer.byteLength(found.stdout) <= (1 << 16) + 3);
    const ordinary = "console.log([1, 2].map((x) => x * 21), { a: 'b' }, typeof left, Math.random())";
    const next = await Promise.all([js.run(ordinary), js.run(ordinary)]);
    for (const { stdout: text } of next) assert.equal(text, "[ 21, 42 ] { a: 'b' } undefined 0.26642920868471265\n");
  });

test("memory that is used up is status memory, and the process never holds more than its limit", async (t) => {
  const bombs = [
    "const all = []; for (;;) all.push({ a: 1 });",
    "const all = []; for (;;) all.push([1, 2, 3]);",
    "const all = new Map(); for (let i = 0; ; i++) all.set(i, 'k' + i);",
    "const all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length);",
    "new Array(1e9).fill(0);",
  ];
  for (const code of bombs) {
    const { status, error } = await js.run(code, { timeoutMs: 20_000 });
    assert.deepEqual([status, error!.lastLine], ["memory", "InternalError: out of memory"], code);
  }
  const small = await js.run("new Uint8Array(40 << 20).fill(1); console.log('fits')", { memoryMb: 64 });
  assert.deepEqual([small.status, small.stdout], ["ok", "fits\n"]);
  assert.equal((await js.run("new Uint8Array(40 << 20).fill(1)", { memoryMb: 16 })).status, "memory");
  if (process.platform !== "linux") return t.skip("reads the processes' memory in /proc");
  for (const pid of (js as unknown as { pids: number[] }).pids) {
    const peakKb = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))![1];
    assert.ok(Number(peakKb) < 350_000, `${peakKb} kB`);
  }
});

test("nothing is left for the next snippet", async () => {
  await js.run("globalThis.left = 1; Object.prototype.left = 2; Array.prototype.map = null; var left2 = 3;");
  for (let i = 0; i < 3; i++)
    assert.equal(
      (await js.run("console.log(typeof left, typeof left2, [1].map(String))")).stdout,
      "undefined undefined [ '1' ]\n",
    );
});

test("errors have a name, a message, the snippet's line and a stack of the snippet's own frames", async () => {
  const { status, exitCode, error, stderr, stdout } = await js.run(
    "console.log(1);\n\nfunction f() {\n  null.x;\n}\nf();",
  );
  assert.deepEqual([status, exitCode, stdout], ["error", 1, "1\n"]);
  assert.equal(error!.name, "TypeError");
  assert.equal(error!.line, 4);
  assert.equal(error!.lastLine, `TypeError: ${error!.message}`);
  assert.match(error!.traceback, /^TypeError: .*\n {4}at f \(<snippet>:4:\d+\)\n {4}at <snippet>:6:\d+$/);
  assert.equal(stderr, `${error!.traceback}\n`);
});

test("errors of every kind are told apart", async () => {
  const cases: [code: string, name: string, line: number | undefined, message?: RegExp][] = [
    ["\nlet x = ;", "SyntaxError", 2, /unexpected token/],
    ["undefinedName", "ReferenceError", 1],
    ["\nimport fs from 'node:fs';\nfs;", "SyntaxError", 2, /import and export are not available/],
    ["export const a = 1;", "SyntaxError", 1, /import and export are not available/],
    ["throw new RangeError('far')", "RangeError", 1, /^far$/],
    ["class E extends Error { name = 'Mine'; }\nthrow new E('m')", "Mine", 2, /^m$/],
    ["throw 'text'", "Uncaught", undefined, /^'text'$/],
    [
      "async function main() {\n  await null;\n  throw new TypeError('late');\n}\nmain();\nconsole.log('x');",
      "TypeError",
      3,
      /^late$/,
    ],
    ["setTimeout(() => { throw new Error('timer') }, 5)", "Error", 1, /^timer$/],
    ["await new Promise(() => {})", "Error", undefined, /nothing is left to resolve/],
  ];
  for (const [code, name, line, message] of cases) {
    const { status, error } = await js.run(code);
    assert.deepEqual([status, error?.name, error?.line], ["error", name, line], code);
    if (message) assert.match(error!.message, message);
  }
});

test("a rejection that somebody handles is none", async () => {
  const { status, stdout } = await js.run(
    "Promise.reject(new Error('a')).catch((e) => console.log(e.message));\nconst p = Promise.reject(1);\nawait p.catch(() => console.log('caught'));",
  );
  assert.deepEqual([status, stdout], ["ok", "a\ncaught\n"]);
});

test("the value of the last expression, as Node's prompt shows it", async () => {
  const cases: [code: string, value: string | undefined][] = [
    ["1 + 1", "2"],
    ["'text'", "'text'"],
    ["({ a: [1] })", "{ a: [ 1 ] }"],
    ["await Promise.resolve([1])", "[ 1 ]"],
    ["const x = 1;", undefined],
    ["5; const x = 1", undefined],
    ["undefined", undefined],
    ["null", "null"],
    ["[1, 2].map((x) => x * 2)", "[ 2, 4 ]"],
  ];
  for (const [code, value] of cases) assert.equal((await js.run(code, { lastExpression: true })).value, value, code);
  assert.equal((await js.run("1 + 1")).value, undefined);
});

test("chance and time are the same on every run", async (t) => {
  const fixed = await Interpreter.start({ language: "javascript", lanes: 1, clock: 1e9, seed: 7 });
  t.after(() => fixed.close());
  const code = `console.log(Math.random(), Date.now(), new Date().toISOString(), new Date(2024, 0, 1).getTimezoneOffset());
await new Promise((done) => setTimeout(done, 60_000)); console.log(new Date().toISOString(), performance.now())`;
  const [first, second] = [await fixed.run(code), await fixed.run(code)];
  assert.equal(first.stdout, second.stdout);
  assert.equal(
    first.stdout.replace(/^\S+/, "R"),
    "R 1000000000000 2001-09-09T01:46:40.001Z 0\n2001-09-09T01:47:40.002Z 60003\n",
  );
  assert.ok(first.durationMs < 60_000, "a timer does not wait");
});

test("a session's cells share variables, and names may be declared again", async () => {
  const session = await js.session();
  const cells = [
    "let x = 1; const y = 2; class K { m() { return x; } } function f() { return y; }",
    "let x = 5; console.log(new K().m(), f(), y)",
    "const y = 3; class K { m() { return 'new'; } }\nconsole.log(new K().m(), f())",
    "await null; var late = await Promise.resolve(9)",
    "console.log(late, Math.random() < 1)",
  ];
  const out = [];
  for (const code of cells) out.push((await session.run(code)).stdout);
  assert.deepEqual(out, ["", "5 2 2\n", "new 3\n", "", "9 true\n"]);
  const failed = await session.run("\nfunction g() { throw new Error('e'); }\ng()");
  assert.equal(failed.error!.line, 3 - 1);
  assert.match(failed.error!.traceback, /at g \(<cell 6>:2:\d+\)\n {4}at <cell 6>:3:/);
  const other = await js.run("console.log(typeof x, typeof late)");
  assert.equal(other.stdout, "undefined undefined\n");
  const fork = await session.fork({ cell: 2 });
  assert.equal(fork.mismatch, undefined);
  assert.equal((await fork.run("console.log(x, typeof late)")).stdout, "5 undefined\n");
  await fork.close();
  const ended = await session.run("for (;;);", { timeoutMs: 200 });
  assert.equal(ended.status, "timeout");
  assert.ok(session.lost);
  await session.close();
});

test("TypeScript: types are taken out, lines stay the snippet's", async (t) => {
  const ts = await Interpreter.start({ language: "typescript", lanes: 1 });
  t.after(() => ts.close());
  const run = async (code: string) => ts.run(code, { lastExpression: true });
  const first = await run(`enum Colour { Red, Green }

// a comment that goes away
interface Point { x: number; y?: number }
const p: Point = { x: 1 } satisfies Point;
console.log(Colour.Green as number, Colour[0], p!.x);
class Box<T> { constructor(private readonly held: T) {} get(): T { return this.held; } }
function fail<T>(value: T): T {
  throw new RangeError(String(value));
}

fail<number>(new Box(4).get());`);
  assert.equal(first.stdout, "1 Red 1\n");
  assert.equal(first.error!.line, 9);
  assert.match(first.error!.traceback, /^RangeError: 4\n {4}at fail \(<snippet>:9:\d+\)\n {4}at <snippet>:12:\d+$/);
  assert.equal((await run("const y: number = await Promise.resolve(3); y * 2")).value, "6");
  const wrong = await run("\nlet x: = 4");
  assert.deepEqual([wrong.status, wrong.error!.name, wrong.error!.line], ["error", "SyntaxError", 2]);
  assert.match((await run("import fs from 'node:fs';")).error!.message, /import and export are not available/);
  const session = await ts.session();
  await session.run("let n: number = 1; type N = typeof n;");
  assert.equal((await session.run("let n: string = 'again'; console.log(n)")).stdout, "again\n");
  await session.close();
});

test("a kill -9 of every process costs no result and is counted", async (t) => {
  const own = await Interpreter.start({ language: "javascript", lanes: 2 });
  t.after(() => own.close());
  const { pids } = own as unknown as { pids: number[] };
  const running = Promise.all(
    Array.from({ length: 20 }, (_, i) => own.run(`let n = 0; while (n < 3e5) n++; console.log(${i}, n)`)),
  );
  for (const pid of pids) process.kill(pid, "SIGKILL");
  assert.deepEqual(
    (await running).map(({ stdout }) => stdout),
    Array.from({ length: 20 }, (_, i) => `${i} 300000\n`),
  );
  assert.ok(own.stats().infrastructureFailures >= 1);
});

test("the self-test names its probes, and an engine of another language is refused", async () => {
  const { holds, probes } = await js.selfTest();
  assert.ok(holds && probes.length > 10, JSON.stringify(probes.filter((probe) => !probe.holds)));
  await assert.rejects(Interpreter.start({ language: "javascript", engine: "jail" }), InvalidInputError);
  await assert.rejects(Interpreter.start({ language: "python", engine: "quickjs" }), InvalidInputError);
});

test("many snippets leave no descriptors behind", async (t) => {
  if (process.platform !== "linux") return t.skip("counts descriptors in /proc");
  const count = async () => (await readdir("/proc/self/fd")).length;
  await Promise.all(Array.from({ length: 50 }, () => js.run("console.log(1)")));
  const before = await count();
  const outputs = await Promise.all(Array.from({ length: 500 }, (_, i) => js.run(`console.log(${i})`)));
  assert.deepEqual(
    outputs.map(({ stdout }) => stdout),
    Array.from({ length: 500 }, (_, i) => `${i}\n`),
  );
  assert.ok((await count()) <= before + 2);
});
