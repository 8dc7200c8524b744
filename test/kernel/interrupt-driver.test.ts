import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestKernel } from "./client.ts";

/** Runs the same text as the compiler drives it and as V8 does; `order` gets what happens in which microtask. */
const both = (text: string) => `
const order: string[] = [];
const make = (tag: string) => { const log = (what: unknown) => order.push(tag + what); const thenable = { then: (r: (v: number) => void) => r(7) };
  ${text}
  return run; };
const native = new Function("order", \`return (tag) => { const log = (what) => order.push(tag + what); const thenable = { then: (r) => r(7) };
  ${text}
  return run; }\`)(order);
await Promise.all([make("o")(), native("n")()].map((p) => p.catch((e: unknown) => order.push("caught " + String(e)))));
const own = order.filter((x) => x.startsWith("o")).map((x) => x.slice(1));
const others = order.filter((x) => x.startsWith("n")).map((x) => x.slice(1));
// Each line of the one comes right before or after the same line of the other: the counts of microtasks agree.
const apart = own.filter((x, i) => Math.abs(order.indexOf("o" + x) - order.indexOf("n" + x)) !== 1);
JSON.stringify([own.join() === others.join(), apart, own.length])`;

const texts: Record<string, string> = {
  "awaited values": "async function run() { for (let i = 0; i < 5; i++) { await i; log('value' + i); } }",
  "awaited promises and thenables":
    "async function run() { log(await Promise.resolve('a')); log(await thenable); await null; log('end'); }",
  "a returned promise":
    "async function run() { await inner(); log('after'); } async function inner() { return Promise.resolve(1); }",
  "a returned thenable":
    "async function run() { await inner(); log('after'); } async function inner() { return thenable; }",
  "nested functions": `async function a() { log('a1'); await null; log('a2'); } async function b() { log('b1'); await null; await a(); log('b2'); }
  async function run() { await null; await b(); log('run'); }`,
  "errors and finally": `async function fail() { try { await null; throw new Error('x'); } finally { await null; log('finally'); } }
  async function run() { try { await fail(); } catch (e) { log('caught'); } await null; log('end'); }`,
  "for await over an async iterable": `const it = { [Symbol.asyncIterator]() { let i = 0; return { next: () => Promise.resolve({ done: i >= 3, value: i++ }) }; } };
  async function run() { for await (const x of it) log('step' + x); log('end'); }`,
};

describe("driven async functions", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  for (const [name, text] of Object.entries(texts)) {
    test(`${name}: the order of microtasks is that of native functions`, async () => {
      const { reply, result } = await kernel.execute(
        `{ ${both(text)} }`.replace(/JSON\.stringify\((.*)\)\s*\}$/, "globalThis.verdict = JSON.stringify($1); }"),
      );
      assert.equal(reply.status, "ok", `${reply.traceback}`);
      void result;
      const verdict = (await kernel.execute("JSON.parse((globalThis as any).verdict)")).result;
      assert.match(verdict!, /^\[ true, \[\], [1-9]\d* \]$/);
    });
  }

  test("a loop over an async iterator closes it when it ends early, and not when the iterator itself fails", async () => {
    const { stdout, reply } = await kernel.execute(`
const log: string[] = [];
const source = (fails: boolean) => ({
  [Symbol.asyncIterator]() { return {
    next: async () => { if (fails) throw new Error("next"); return { done: false, value: 1 }; },
    return: async () => { log.push("closed"); return { done: true, value: undefined }; },
  }; },
});
for await (const x of source(false)) break;
try { for await (const x of source(false)) throw new Error("body"); } catch (e) { log.push((e as Error).message); }
try { for await (const x of source(true)); } catch (e) { log.push((e as Error).message); }
outer: for (const i of [1, 2]) for await (const x of source(false)) { log.push("i" + i); continue outer; }
console.log(log.join(" "))`);
    assert.equal(reply.status, "ok", `${reply.traceback}`);
    assert.equal(stdout, "closed closed body next i1 closed i2 closed\n");
  });

  test("asynchronous contexts follow awaits", async () => {
    const { stdout } = await kernel.execute(`
import { AsyncLocalStorage } from "node:async_hooks";
const store = new AsyncLocalStorage<string>();
async function read() { await null; await new Promise((r) => setTimeout(r, 1)); return store.getStore(); }
console.log(await Promise.all([store.run("a", read), store.run("b", read), read()]))`);
    assert.equal(stdout, "[ 'a', 'b', undefined ]\n");
  });

  test("an error that a built-in function rejects with shows where it was awaited, through all callers", async () => {
    await kernel.execute(`import { readFile } from "node:fs/promises";
async function inner(path: string) {
  const text = await readFile(path);
  return text;
}`);
    const { reply } = await kernel.execute(`
const outer = async () => {
  return await inner("/missing file");
};
await outer()`);
    const places = (reply.traceback as string[]).join("\n").match(/cell \d+:\d+:\d+/g)!;
    const last = Number(/cell (\d+)/.exec(places[1]!)![1]);
    assert.deepEqual(places, [`cell ${last - 1}:3:16`, `cell ${last}:3:10`, `cell ${last}:5:1`]);
  });
});
