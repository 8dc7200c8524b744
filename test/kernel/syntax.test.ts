import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestKernel } from "./client.ts";

/** Cells of one notebook in order, and the text of the result of each; undefined for none, /x/ for an error. */
type Story = readonly (readonly [code: string, result: string | undefined | RegExp])[];

const stories: Record<string, Story> = {
  "one binding for every name: functions see later assignments and declarations": [
    ["let count = 1; function read() { return count }", undefined],
    ["count = 5; read()", "5"],
    ["let count = 7;", undefined],
    ["read()", "7"],
    ["const count = 'now text'; read()", "'now text'"],
    ["function bump() { return shared++ } let shared = 10", undefined],
    ["bump(); bump(); shared", "12"],
    ["function early() { return laterOn() }", undefined],
    ["function laterOn() { return 'there by now' }", undefined],
    ["early()", "'there by now'"],
  ],
  "constants refuse assignments, unknown names are ReferenceErrors": [
    ["const fixed = 1", undefined],
    ["fixed = 2", /Assignment to constant variable/],
    ["fixed++", /Assignment to constant variable/],
    ["[fixed] = [3]", /Assignment to constant variable/],
    ["fixed", "1"],
    ["unheardOf", /^unheardOf is not defined$/],
    ["unheardOf = 1", /^unheardOf is not defined$/],
    ["typeof unheardOf", "'undefined'"],
    ["const fixed = 4; fixed", "4"],
  ],
  "declarations of every kind": [
    [
      "const { a: one, b: [two, ...more], ...others } = { a: 1, b: [2, 3, 4], c: 5 }; [one, two, more, others]",
      "[ 1, 2, [ 3, 4 ], { c: 5 } ]",
    ],
    ["[one, two]", "[ 1, 2 ]"],
    ["let x = 1, y = x + 1; ({ x, y })", "{ x: 1, y: 2 }"],
    ["({ x, y = 9 } = { x: 8 } as any); [x, y]", "[ 8, 9 ]"],
    ["[x, y] = [y, x]; [x, y]", "[ 9, 8 ]"],
    [
      "class Point { constructor(private readonly u: number) {} get() { return this.u } static origin() { return new Point(0) } }",
      undefined,
    ],
    ["Point.origin().get() + new Point(4).get()", "4"],
    ["class Point { get() { return 'another' } } new Point().get()", "'another'"],
    ["enum Colour { Red, Green = 5 } Colour[5]", "'Green'"],
    ["enum Colour { Blue } Colour", "{ '0': 'Blue', Blue: 0 }"],
    ["namespace Space { export const inside = 3 } Space.inside", "3"],
    [
      "interface Shape { side: number } type Both = Shape & { name: string }; const both: Both = { side: 1, name: 'n' }; both.name",
      "'n'",
    ],
    ["for (var i = 0, sum = 0; i < 4; i++) sum += i; [i, sum]", "[ 4, 6 ]"],
    ["for (var key in { k: 1 }) {} if (true) { var inBlock = 2 } [key!, inBlock!]", "[ 'k', 2 ]"],
    ["const arrow = () => 1, Anonymous = class {}; [arrow.name, Anonymous.name]", "[ 'arrow', 'Anonymous' ]"],
    [
      "abstract class Base { abstract area(): number } class Square extends Base { area() { return 4 } } new Square().area()",
      "4",
    ],
    ["export const exported = 1; export default 2; export function alsoExported() { return exported }", undefined],
    ["alsoExported()", "1"],
    ["function self(this: unknown) { return this } self()", undefined],
    ["const tag = (parts: TemplateStringsArray, v: number) => parts.raw.join('|') + v; tag`p${1}q`", "'p|q1'"],
  ],
  "asynchronous code": [
    ["const awaited = await Promise.resolve(3); awaited * 2", "6"],
    [
      "async function add(a: number, b = a + 1, ...rest: number[]) { await null; return [a, b, rest.length, arguments.length] } await add(1, 2, 3)",
      "[ 1, 2, 1, 3 ]",
    ],
    [
      "const object = { k: 9, async method() { return await this.k }, arrow: async (v: number) => ({ v: await v }) }; [await object.method(), await object.arrow(2)]",
      "[ 9, { v: 2 } ]",
    ],
    [
      "class Counter { n = 1; #secret = 5; async next(): Promise<(number | string)[]> { const go = async () => { await null; return this.n++ }; return [await go(), await go(), await this.#hidden()] } async #hidden() { return this.#secret } static async make() { return new Counter() } } await (await Counter.make()).next()",
      "[ 1, 2, 5 ]",
    ],
    [
      "class Sub extends Counter { async next() { return [...(await super.next()), 'sub'] } } await new Sub().next()",
      "[ 1, 2, 5, 'sub' ]",
    ],
    [
      "async function* numbers() { for (let i = 0; i < 5; i++) yield await i } let total = 0; for await (const n of numbers()) { if (n === 3) break; total += n } total",
      "3",
    ],
    [
      "const seen: number[] = []; outer: for await (const n of numbers()) { for (const m of [1, 2]) { if (n === 1) continue outer; if (n === 3) break outer; seen.push(n * m) } } seen",
      "[ 0, 0, 2, 4 ]",
    ],
    [
      "const lengths: number[] = []; for await (const { length } of ['ab', Promise.resolve('abc')]) lengths.push(length); lengths",
      "[ 2, 3 ]",
    ],
    [
      "let closed = 0; const iterable = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false as const, value: 1 }), return: async () => { closed++; return { done: true as const, value: undefined } } }) }; for await (const _ of iterable) break; try { for await (const _ of iterable) throw new Error('x') } catch {} closed",
      "2",
    ],
    [
      "async function throws() { await null; throw new RangeError('late') } try { await throws() } catch (error) { (error as Error).message }",
      undefined,
    ],
    ["await throws().catch((error) => error.message)", "'late'"],
    ["await Promise.all([1, 2].map(async (v) => { await null; return v * 2 }))", "[ 2, 4 ]"],
    [
      "const order: string[] = []; (async () => { order.push('a'); await null; order.push('c') })(); order.push('b'); await null; await null; order",
      "[ 'a', 'b', 'c' ]",
    ],
  ],
  "newer syntax": [
    [
      "const log: string[] = []; const resource = (name: string) => ({ name, [Symbol.dispose]() { log.push('end ' + name) } })",
      undefined,
    ],
    [
      "{ using a = resource('a'); using b = resource('b'); log.push(a.name + b.name) } log",
      "[ 'ab', 'end b', 'end a' ]",
    ],
    ["using kept = resource('cell'); const inside = 3; inside + 1", "4"],
    ["log.at(-1)", "'end cell'"],
    ["await using later = { async [Symbol.asyncDispose]() { await null; log.push('async end') } }; 1", "1"],
    ["log.at(-1)", "'async end'"],
    ["function pick<T>(values: T[], fallback: NoInfer<T>): T { return values[0] ?? fallback } pick([1], 2)", "1"],
    ["import.meta.dirname === process.cwd()", "true"],
    ["({ a: 1 }) satisfies { a: number }", "{ a: 1 }"],
    [
      "function logged(method: (this: Greeter) => string, context: ClassMethodDecoratorContext) { return function (this: Greeter) { return String(context.name) + ':' + method.call(this) } } class Greeter { @logged hi() { return 'hi' } } new Greeter().hi()",
      "'hi:hi'",
    ],
    ["const big = 10n ** 20n; big", "100000000000000000000n"],
    ["const nested = { value: undefined as undefined | { deep: number } }; nested.value?.deep ?? 'none'", "'none'"],
    ["let maybe: string | undefined; maybe ||= 'set'; maybe", "'set'"],
    ["[1, 2, 3].toSorted((a, b) => b - a)", "[ 3, 2, 1 ]"],
  ],
  "loops over names of the notebook": [
    ["let acc = 0; const limit = 10; for (let i = 0; i < limit; i++) { if (i === 3) continue; acc += i } acc", "42"],
    [
      "function mean(values: number[]) { let s = 0; for (let i = 0; i < values.length; i++) s += Math.abs(values[i]!) * acc; return s } mean([1, -1])",
      "84",
    ],
    ["let tries = 0; while (true) { tries++; if (tries > 4) break } tries", "5"],
    ["let fails = 0; try { for (let i = 0; ; i++) { fails = i; if (i === 3) (null as any).x } } catch {} fails", "3"],
    [
      "label: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { if (j === 1) continue label; acc++ } } acc",
      "45",
    ],
    ["let down = 3; do { down -= 1 } while (down > 0); down", "0"],
  ],
  "the value of a cell": [
    ["const silent = 1;", undefined],
    ["silent", "1"],
    ["silent;", "1"],
    ["let assigned; assigned = 3", undefined],
    ["if (true) 5", undefined],
    ["(0, 1, 2)", "2"],
    ["'use strict'", "'use strict'"],
    ["/* only a comment */", undefined],
    ["", undefined],
  ],
  mistakes: [
    ["const broken = ;", /^cell \d+:1:16 - Unexpected ";"/],
    ["const twice = 1;\nconst twice = 2;", /^cell \d+:2:7 - The symbol "twice" has already been declared/],
    ["return 5", /^cell \d+:1:1 - 'return' outside of function/],
    ["export * from 'node:fs'", /cannot export all of a module/],
    ["let half = 1; throw new Error('stop'); let never = 2", /^stop$/],
    ["half", "1"],
    ["never", /^never is not defined$/],
  ],
};

describe("syntax of cells", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  for (const [title, story] of Object.entries(stories)) {
    test(title, async () => {
      for (const [code, expected] of story) {
        const { result, reply } = await kernel.execute(code);
        if (expected instanceof RegExp) {
          assert.equal(reply.status, "error", `${code} did not fail`);
          assert.match(reply.evalue as string, expected, code);
        } else {
          assert.equal(reply.status, "ok", `${code}: ${reply.evalue}`);
          assert.equal(result, expected, code);
        }
      }
    });
  }

  test("none of it has type errors but where a mistake is meant", async () => {
    const clean = [
      "declarations of every kind",
      "asynchronous code",
      "newer syntax",
      "loops over names of the notebook",
    ];
    for (const title of clean) {
      await kernel.execute("%reset");
      for (const [code] of stories[title]!) {
        const { stderr } = await kernel.execute(code, { allow_stdin: false });
        assert.equal(stderr, "", code);
      }
    }
  });
});
