import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DatasetError, InvalidInputError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";

/** Evaluates a question from its text with whole numbers of any size, independently of the generators. */
function solve(prompt: string): bigint | undefined {
  const question = prompt.replace("=?", "");
  const numbers = (question.match(/\d+/g) ?? []).map(BigInt) as [bigint, bigint, bigint];
  const [a, b, c] = numbers;
  if (question.startsWith("geo")) return undefined;
  if (question.startsWith("gcd")) {
    let [x, y] = [a, b];
    while (y) [x, y] = [y, x % y];
    return x;
  }
  if (question.includes("^")) return a ** b % c;
  if (question.includes("C")) {
    const factorial = (n: bigint): bigint => (n === 0n ? 1n : n * factorial(n - 1n));
    return factorial(a) / (factorial(b) * factorial(a - b));
  }
  if (!question.includes(">")) return a * b + c;
  return question.split(">").reduce((value, step) => {
    const operand = BigInt(step.replace(/\D/g, ""));
    return step[0] === "*"
      ? value * operand
      : step[0] === "+"
        ? value + operand
        : step[0] === "-"
          ? value - operand
          : operand;
  }, 0n);
}

test("every answer is right, and every question can be read by tiny-math", () => {
  const taskset = tasks.arithmetic({ seed: 1 });
  const tokenizer = tinyMathTokenizer();
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const task = taskset.at(i);
    seen.add(task.family);
    const answer = solve(task.prompt);
    if (answer !== undefined) assert.equal(task.answer, String(answer), task.prompt);
    assert.ok(tokenizer.encode(`<C>${task.prompt}`).length <= 20, task.prompt);
    assert.equal(task.metadata.cells.length, Number(/^chain(\d)$/.exec(task.family)?.[1] ?? 1));
  }
  assert.deepEqual([...seen].sort(), [...taskset.families].sort());
});

test("a task depends on the seed and its number alone", () => {
  const one = tasks.arithmetic({ seed: 1 });
  assert.deepEqual(one.at(7), tasks.arithmetic({ seed: 1 }).at(7));
  const differing = Array.from({ length: 20 }, (_, i) => i).filter(
    (i) => one.at(i).prompt !== tasks.arithmetic({ seed: 2 }).at(i).prompt,
  );
  assert.ok(differing.length > 15);
  assert.deepEqual(one.sample(new RandomStream(3, "x")), one.sample(new RandomStream(3, "x")));
});

test("no held-out question is ever given for training, whatever the seed", () => {
  const { heldOut } = tasks.arithmetic({ seed: 5 }).split({ heldOut: 84 });
  const prompts = new Set([...heldOut].filter((task) => task.family !== "facts").map((task) => task.prompt));
  assert.equal(prompts.size, 72);
  for (const seed of [5, 6]) {
    const { train } = tasks.arithmetic({ seed }).split({ heldOut: 7 });
    const stream = new RandomStream(seed, "training");
    for (let i = 0; i < 10_000; i++) {
      assert.ok(!prompts.has(train.at(i).prompt));
      assert.ok(!prompts.has(train.sample(stream).prompt));
    }
  }
});

test("the held-out part is balanced, free of repeats and the same every time", () => {
  const { heldOut } = tasks.arithmetic().split({ heldOut: 84 });
  assert.equal(heldOut.size, 84);
  assert.equal(new Set([...heldOut].map((task) => task.id)).size, 84);
  for (const family of heldOut.families) {
    assert.equal([...heldOut].filter((task) => task.family === family).length, 12, family);
  }
  assert.deepEqual([...tasks.arithmetic().split({ heldOut: 84 }).heldOut], [...heldOut]);
  assert.throws(() => tasks.arithmetic({ families: ["facts"] }).split({ heldOut: 61 }), /fewer than 61/);
});

test("families and weights choose what comes", () => {
  const chains = tasks.arithmetic({ families: ["algebra", "chain"], weights: { algebra: 3, chain: 1 } });
  assert.deepEqual(chains.families, ["algebra", "chain1", "chain2", "chain3"]);
  const algebra = Array.from({ length: 2000 }, (_, i) => chains.at(i)).filter((task) => task.family === "algebra");
  assert.ok(Math.abs(algebra.length / 2000 - 0.75) < 0.05, String(algebra.length));
  assert.throws(() => tasks.arithmetic({ families: ["geometry" as "algebra"] }), InvalidInputError);
  assert.throws(() => tasks.arithmetic({ families: ["algebra"], weights: { facts: 1 } }), /not in families/);
  assert.throws(() => tasks.arithmetic({ families: ["algebra"], weights: { algebra: 0 } }), /all weights are zero/);
  assert.throws(() => tasks.arithmetic({ weights: { algebra: -1 } }), InvalidInputError);
  assert.throws(() => tasks.arithmetic().at(-1), InvalidInputError);
});

test("a list gives its tasks in order and refuses what it does not have", () => {
  const list = tasks.list("mine", [{ id: "1", prompt: "1+1", answer: "2", family: "sum" }]);
  assert.equal(list.at(0).answer, "2");
  assert.equal(list.sample(new RandomStream(1, "x")).id, "1");
  assert.throws(() => list.at(1), /0 to 0; 1 was asked/);
  assert.throws(() => tasks.list("none", []), InvalidInputError);
});

/** A folder for one test's files. */
async function withFolder(run: (file: (name: string, data: string | Uint8Array) => Promise<string>) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-tasks-"));
  try {
    await run(async (name, data) => {
      await writeFile(join(folder, name), data);
      return join(folder, name);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("subject and level are kept as labels; other columns can be named", () =>
  withFolder(async (file) => {
    const row = { problem: "1+1?", answer: "2", subject: "Algebra", level: 5, extra_info: { split: "test" } };
    const path = await file("levels.jsonl", `${JSON.stringify(row)}\n{"question":"2+2?","answer":4}\n`);
    const set = await tasks.load(path);
    assert.deepEqual(
      [...set].map(({ family, labels }) => [family, labels]),
      [
        ["Algebra", { subject: "Algebra", level: "5" }],
        ["levels", undefined],
      ],
    );
    const named = await tasks.load(path, { columns: { family: "level", labels: ["extra_info.split"] } });
    assert.deepEqual([named.at(0).family, named.at(0).labels], ["5", { split: "test" }]);
  }));

test("jsonl files load under their usual column names", () =>
  withFolder(async (file) => {
    const rows = [
      {
        problem: "What is $2+2$?",
        solution: "It is \\boxed{5}, no: \\boxed{\\frac{8}{2}}.",
        subject: "Algebra",
        unique_id: "u1",
      },
      { question: "3*3?", answer: 9, type: "products" },
      { prompt: "Half?", ground_truth: "\\frac12", level: 2 },
      { question: "Apples?", answer: "2 and 2 are 4\n#### 4" },
    ];
    const set = await tasks.load(await file("mixed.jsonl", `${rows.map((row) => JSON.stringify(row)).join("\n")}\n\n`));
    assert.equal(set.name, "mixed");
    assert.deepEqual(
      [...set].map(({ id, answer, family }) => [id, answer, family]),
      [
        ["mixed/u1", "\\frac{8}{2}", "Algebra"],
        ["mixed/2", "9", "products"],
        ["mixed/3", "\\frac12", "2"],
        ["mixed/4", "4", "mixed"],
      ],
    );
    assert.equal(set.at(1).prompt, "3*3?");
  }));

test("hidden tests are loaded, and a row that has them needs no answer", () =>
  withFolder(async (file) => {
    const tests = [{ stdin: "1", stdout: "2" }];
    const rows = [
      { prompt: "a", tests },
      { prompt: "a", tests: JSON.stringify([{ stdin: "2", stdout: "3" }]) },
      { prompt: "b", reference: { tests }, answer: "print(2)" },
      { prompt: "c", reference: "Euclid, book 7", answer: "7" },
    ];
    const set = await tasks.load(await file("code.jsonl", rows.map((row) => JSON.stringify(row)).join("\n")));
    assert.deepEqual(
      [...set].map(({ answer, reference }) => [answer, reference]),
      [
        ["", { tests }],
        ["", { tests: [{ stdin: "2", stdout: "3" }] }],
        ["print(2)", { tests }],
        ["7", undefined],
      ],
    );
  }));

test("columns of other names can be given", () =>
  withFolder(async (file) => {
    const path = await file("own.jsonl", JSON.stringify({ input: { text: "1+1" }, target: "2", answer: "not this" }));
    const set = await tasks.load(path, { columns: { prompt: "input.text", answer: "target" } });
    assert.deepEqual([set.at(0).prompt, set.at(0).answer], ["1+1", "2"]);
  }));

test("a row without an answer is named and nothing is loaded", () =>
  withFolder(async (file) => {
    const good = JSON.stringify({ problem: "1+1", answer: "2" });
    const refused = async (name: string, content: string, message: RegExp) => {
      const path = await file(name, content);
      await assert.rejects(tasks.load(path), (error: Error) => {
        assert.ok(error instanceof DatasetError);
        assert.match(error.message, message);
        return error.message.includes(path);
      });
    };
    await refused("a.jsonl", `${good}\n${JSON.stringify({ problem: "2+2" })}`, /row 2: no answer in answer/);
    await refused("b.jsonl", `${good}\n\n${JSON.stringify({ problem: "2+2", answer: " " })}`, /row 3: no answer/);
    await refused("c.jsonl", `${JSON.stringify({ answer: "2" })}\n${good}`, /row 1: no prompt/);
    await refused("d.jsonl", `${good}\n{"problem": `, /row 2: not JSON/);
    await refused("e.jsonl", `${good}\n[1]`, /row 2: not a JSON object/);
    await refused("f.jsonl", "\n", /holds no rows/);
    await refused("g.parquet", "not parquet at all", /cannot be read/);
    await assert.rejects(tasks.load("/nowhere/x.jsonl"), DatasetError);
    await assert.rejects(tasks.load("x.txt"), InvalidInputError);
  }));

/** Two rows as verl writes them (chat messages, nested reward_model, snappy); made with pyarrow 26. */
const VERL_PARQUET =
  "UEFSMRUAFUwVTiwVBhUAFQYVBhwAAAAmFAIAAAADAgEGbAYEBgAAAHN5c3RlbQQAAAB1c2VyBAAAAHVzZXIVABVGFUgsFQYVABUGFQYcAAAAIxQCAAAAAwIBBmAGBAEAAABzBQAAADErMT0/BQAAADIqMz0/FQAVLBUwLBUEFQAVBhUGHAAAABZUAgAAAAQBBAAAAG1hdGgEAAAAbWF0aBUAFSAVJCwVBBUAFQYVBhwAAAAQPAIAAAAEAgEAAAAyAQAAADYVABUsFTAsFQQVABUGFQYcAAAAFlQCAAAABAIEAAAAcnVsZQQAAABydWxlFQQZrDUAGAZzY2hlbWEVBgA1AhgGcHJvbXB0FQIVBkw8AAAANQQYBGxpc3QVAgA1AhgHZWxlbWVudBUEABUMJQIYBHJvbGUlAEwcAAAAFQwlAhgHY29udGVudCUATBwAAAAVDCUCGAdhYmlsaXR5JQBMHAAAADUCGAxyZXdhcmRfbW9kZWwVBAAVDCUCGAxncm91bmRfdHJ1dGglAEwcAAAAFQwlAhgFc3R5bGUlAEwcAAAAFgQZHBlcJgAcFQwZJQYAGUgGcHJvbXB0BGxpc3QHZWxlbWVudARyb2xlFQIWBhZyFnQmCEkcFQAVABUCADwWHBkmBAIZVgAAAAAGAAAAJgAcFQwZJQYAGUgGcHJvbXB0BGxpc3QHZWxlbWVudAdjb250ZW50FQIWBhZsFm4mfEkcFQAVABUCADwWFhkmBAIZVgAAAAAGAAAAJgAcFQwZJQYAGRgHYWJpbGl0eRUCFgQWUhZWJuoBSRwVABUAFQIAPBYQGQYZJgAEAAAAJgAcFQwZJQYAGSgMcmV3YXJkX21vZGVsDGdyb3VuZF90cnV0aBUCFgQWRhZKJsACSRwVABUAFQIAPBYEGQYZNgAABAAAACYAHBUMGSUGABkoDHJld2FyZF9tb2RlbAVzdHlsZRUCFgQWUhZWJooDSRwVABUAFQIAPBYQGQYZNgAABAAAABbIAxYEJggW2AMAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRlcHAAAHAAAHAAAHAAAHAAAAEQCAABQQVIx";
/** The same with the second answer null. */
const NO_ANSWER_PARQUET =
  "UEFSMRUAFUwVTiwVBhUAFQYVBhwAAAAmFAIAAAADAgEGbAYEBgAAAHN5c3RlbQQAAAB1c2VyBAAAAHVzZXIVABVGFUgsFQYVABUGFQYcAAAAIxQCAAAAAwIBBmAGBAEAAABzBQAAADErMT0/BQAAADIqMz0/FQAVLBUwLBUEFQAVBhUGHAAAABZUAgAAAAQBBAAAAG1hdGgEAAAAbWF0aBUAFRgVHCwVBBUAFQYVBhwAAAAMLAMAAAADBgABAAAAMhUAFSwVMCwVBBUAFQYVBhwAAAAWVAIAAAAEAgQAAABydWxlBAAAAHJ1bGUVBBmsNQAYBnNjaGVtYRUGADUCGAZwcm9tcHQVAhUGTDwAAAA1BBgEbGlzdBUCADUCGAdlbGVtZW50FQQAFQwlAhgEcm9sZSUATBwAAAAVDCUCGAdjb250ZW50JQBMHAAAABUMJQIYB2FiaWxpdHklAEwcAAAANQIYDHJld2FyZF9tb2RlbBUEABUMJQIYDGdyb3VuZF90cnV0aCUATBwAAAAVDCUCGAVzdHlsZSUATBwAAAAWBBkcGVwmABwVDBklBgAZSAZwcm9tcHQEbGlzdAdlbGVtZW50BHJvbGUVAhYGFnIWdCYISRwVABUAFQIAPBYcGSYEAhlWAAAAAAYAAAAmABwVDBklBgAZSAZwcm9tcHQEbGlzdAdlbGVtZW50B2NvbnRlbnQVAhYGFmwWbiZ8SRwVABUAFQIAPBYWGSYEAhlWAAAAAAYAAAAmABwVDBklBgAZGAdhYmlsaXR5FQIWBBZSFlYm6gFJHBUAFQAVAgA8FhAZBhkmAAQAAAAmABwVDBklBgAZKAxyZXdhcmRfbW9kZWwMZ3JvdW5kX3RydXRoFQIWBBY+FkImwAJJHBUAFQAVAgA8FgIZBhk2AAICAAAAJgAcFQwZJQYAGSgMcmV3YXJkX21vZGVsBXN0eWxlFQIWBBZSFlYmggNJHBUAFQAVAgA8FhAZBhk2AAAEAAAAFsADFgQmCBbQAwAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGVwcAAAcAAAcAAAcAAAcAAAARAIAAFBBUjE=";

test("parquet files of verl load: the last user message, the nested answer", () =>
  withFolder(async (file) => {
    const set = await tasks.load(await file("train.parquet", Buffer.from(VERL_PARQUET, "base64")));
    assert.deepEqual(
      [...set].map(({ prompt, answer, family }) => [prompt, answer, family]),
      [
        ["1+1=?", "2", "math"],
        ["2*3=?", "6", "math"],
      ],
    );
    const broken = await file("broken.parquet", Buffer.from(NO_ANSWER_PARQUET, "base64"));
    await assert.rejects(tasks.load(broken), /broken\.parquet, row 2: no answer/);
  }));

test("CSV files load: quoted commas and line ends, a byte order mark, columns of any name", () =>
  withFolder(async (file) => {
    const csv = '\ufeffproblem,answer,subject\r\n"What is 1,000 + 1?\nThink.","1,001",sums\r\n"Say ""7""",7,words\r\n';
    const set = await tasks.load(await file("sums.csv", csv));
    assert.deepEqual(
      [...set].map(({ prompt, answer, family }) => [prompt, answer, family]),
      [
        ["What is 1,000 + 1?\nThink.", "1,001", "sums"],
        ['Say "7"', "7", "words"],
      ],
    );
    const mapped = await tasks.load(await file("own.csv", "frage,wert\n1+1,2\n"), {
      columns: { prompt: "frage", answer: "wert" },
    });
    assert.equal(mapped.at(0).answer, "2");
    await assert.rejects(tasks.load(await file("short.csv", "problem,answer\n1+1\n")), /short\.csv, row 1: no answer/);
    await assert.rejects(tasks.load(await file("empty.csv", "")), /empty\.csv/);
  }));

test("chats load: the last question and the last answer's box; repeats are left out unless they are wanted", () =>
  withFolder(async (file) => {
    const chat = (question: string, answer: string) =>
      JSON.stringify({
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: question },
          { role: "assistant", content: answer },
        ],
      });
    const path = await file(
      "chat.jsonl",
      [chat("1+1?", "\\boxed{2}"), chat("2+2?", "4"), chat("1+1?", "\\boxed{2}")].join("\n"),
    );
    const pairs = (set: Iterable<{ prompt: string; answer: string }>) =>
      [...set].map(({ prompt, answer }) => [prompt, answer]);
    assert.deepEqual(pairs(await tasks.load(path)), [
      ["1+1?", "2"],
      ["2+2?", "4"],
    ]);
    assert.equal((await tasks.load(path, { keepDuplicates: true })).size, 3);
  }));
