import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { Part, partText, unifiedDiff } from "../../src/parts/index.ts";
import { asReward, ownRewards, reward, rewards } from "../../src/reward/index.ts";
import { taskFamily } from "../../src/rollout/tasks/index.ts";

const lines = (letters: string) => letters.split("").join("\n");

test("a difference is that of diff -u", () => {
  const names = { from: "before", to: "after" };
  // diff -u --label before --label after <(printf 'a\nb\n...') <(printf 'a\nB\n...')
  assert.equal(
    unifiedDiff(lines("abcdefghijk"), lines("aBcdefghxikl"), names),
    "--- before\n+++ after\n@@ -1,11 +1,12 @@\n a\n-b\n+B\n c\n d\n e\n f\n g\n h\n+x\n i\n-j\n k\n+l",
  );
  assert.equal(
    unifiedDiff(lines("abcdefghijklmn"), lines("abcdefghijklmN"), names),
    "--- before\n+++ after\n@@ -11,4 +11,4 @@\n k\n l\n m\n-n\n+N",
  );
  assert.equal(unifiedDiff("a\nb", "a\nb", names), "");
  assert.equal(unifiedDiff("a", "a\nb", names), "--- before\n+++ after\n@@ -1,1 +1,2 @@\n a\n+b");
});

test("the hash tells what code does, not how it is laid out", () => {
  const part = (functions: Record<string, object>, uses = {}) => new Part("guard", { name: "one", functions, uses });
  const of = (code: string, uses = {}) => part({ code: new Function(`return ${code}`)() as object }, uses).hash;
  const same = [
    "(x) => { if (x > 1) return 'a'; return `b`; }",
    'x => {\n  // why\n  if (x > 1)\n    return "a"\n  return (`b`)\n}',
    "function named(x) { if (x > 1) return 'a';; return `b`; }",
    "({ method(x) { if (x > 1) return 'a'; return `b`; } }).method",
    "(class { static one(x) { return x } method(x) { if (x > 1) return 'a'; return `b`; } }).prototype.method",
  ];
  assert.equal(new Set(same.map((code) => of(code))).size, 1);
  const others = [
    "(x) => { if (x > 2) return 'a'; return `b`; }",
    "(x) => { if (x >= 1) return 'a'; return `b`; }",
    "(x) => { if (x > 1) return 'a'; return 'b'; }",
    "async (x) => { if (x > 1) return 'a'; return `b`; }",
    "(x, y) => { if (x > 1) return 'a'; return `b`; }",
    "(x) => { if (x > 1n) return 'a'; return `b`; }",
    "(x) => { if (x > 1) return /a/; return `b`; }",
    "(x) => { if (x > 1) return /a/g; return `b`; }",
    "(x) => { if (x?.y > 1) return 'a'; return `b`; }",
    "(x) => { if (x.y > 1) return 'a'; return `b`; }",
  ];
  assert.equal(new Set([...same.slice(0, 1), ...others].map((code) => of(code))).size, others.length + 1);

  const reads = "(x) => table[x] + far(x) + Math.max(x, 1)";
  assert.deepEqual(part({ code: new Function(`return ${reads}`)() as object }).unrecorded, ["far", "table"]);
  const far = (x: number) => x + near;
  const near = 1;
  const all = { table: [1, 2], far, near };
  assert.notEqual(of(reads, all), of(reads, { ...all, table: [1, 3] }));
  assert.notEqual(of(reads, all), of(reads, { ...all, far: (x: number) => x - near }));
  assert.equal(of(reads, all), of(reads, { near: 1, far: (x: number) => x + near, table: [1, 2] }));
});

test("data are recorded whole, or as a digest; what JSON cannot tell is refused", () => {
  const recorded = (value: unknown) => {
    const { record } = new Part("guard", { name: "one", functions: { code: () => 1 }, uses: { value } });
    return record.captured.value;
  };
  const data = {
    a: [1, -0.5, Number.NaN, 2n, null, "x"],
    b: new Set([1]),
    c: new Map([["k", /x/g]]),
    d: Float32Array.of(1.5),
  };
  assert.deepEqual(recorded(data), {
    kind: "data",
    json: {
      a: [1, -0.5, { number: "NaN" }, { bigint: "2" }, null, "x"],
      b: { Set: [1] },
      c: { Map: [["k", { regex: "/x/g" }]] },
      d: { Float32Array: [1.5] },
    },
  });
  const large = recorded(Array.from({ length: 20_000 }, (_, i) => i)) as { kind: string; sha256: string };
  assert.equal(large.kind, "digest");
  assert.notEqual(large.sha256, (recorded(Array.from({ length: 20_000 }, () => 1)) as typeof large).sha256);
  for (const value of [new Date(0), Symbol("x"), { date: new Date(0) }, Math.max, class A {}])
    assert.throws(() => recorded(value), /uses\.value of the guard "one" cannot be recorded/);
});

test("a reward as a function, as an object, and in a sum: its code is on record, the lab's is not", async () => {
  const input = { task: { answer: "3" }, text: "\\boxed{3}", tokens: 4 };
  const short = reward("short", ({ tokens = 0 }) => ({ reward: -tokens, correct: false }));
  assert.deepEqual(await short.score(input), { reward: -4, correct: false, detail: {} });
  const named = asReward(function named() {
    return { reward: 1, correct: true, detail: { why: "it may" } };
  });
  assert.equal(named, asReward(named));
  assert.deepEqual(await named.score(input), { reward: 1, correct: true, detail: { why: "it may" } });
  class Counting {
    readonly name = "counting";
    calls = 0;
    score() {
      return { reward: ++this.calls, correct: true, detail: {} };
    }
  }
  const counting = asReward(new Counting());
  await counting.score(input);
  assert.equal((await counting.score(input)).reward, 2, "a method keeps its object");
  const sum = rewards.sum([rewards.boxedAnswer(), [0.5, short], named]);
  assert.equal((await sum.score(input)).reward, 1 - 2 + 1);
  assert.deepEqual(
    ownRewards(asReward(sum)).map(({ name }) => name),
    ["short", "named"],
  );
  assert.deepEqual(ownRewards(asReward(rewards.boxedAnswer())), []);
  assert.throws(() => asReward({} as never), InvalidInputError);
  assert.match(partText(short.record), /^\(\{ tokens = 0 \}\) =>/);
});

test("a task family gives the same tasks for the same draws, and of its own seed by number", () => {
  const family = taskFamily("doubles", (random) => {
    const a = random.integer(0, 1e6);
    return { prompt: `${a}+${a}=?`, answer: String(2 * a), family: a % 2 ? "odd" : "even" };
  });
  assert.deepEqual([...family.families].sort(), ["even", "odd"]);
  assert.deepEqual(family.at(3), family.at(3));
  assert.notDeepEqual(family.at(3), family.at(4));
  const task = family.sample(new RandomStream(5, "tasks", 0));
  assert.equal(task.id, `${task.family}:${task.prompt}`);
  assert.deepEqual(family.sample(new RandomStream(5, "tasks", 0)), task);
  assert.throws(() => family.at(-1), InvalidInputError);
  assert.throws(() => taskFamily("late", (async () => ({})) as never), /"late" is asynchronous/);
  assert.throws(() => taskFamily("empty", () => ({ prompt: " ", answer: "1" })), /prompt is " "/);
});
