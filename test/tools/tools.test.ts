import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { InfrastructureError, InterruptedError, InvalidInputError } from "../../src/base/errors.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { codeTool, defineTool, parseToolCalls, ToolBox, ToolError } from "../../src/tools/index.ts";

const cities: Record<string, number> = { Oslo: -3, Cairo: 31 };
const add = defineTool({
  name: "add",
  description: "Adds two numbers.",
  input: z.object({ a: z.number(), b: z.number().describe("the second") }),
  run: ({ a, b }) => a + b,
});
const weather = defineTool({
  name: "get_weather",
  description: "Temperature of a city.",
  input: z.object({ city: z.string(), unit: z.enum(["C", "F"]).default("C") }),
  run({ city, unit }) {
    const degrees = cities[city];
    if (degrees === undefined) throw new ToolError(`unknown city ${city}`);
    return { city, degrees: unit === "C" ? degrees : degrees * 1.8 + 32 };
  },
});
const slow = defineTool({
  name: "slow",
  description: "Never answers.",
  input: z.object({}),
  timeoutMs: 50,
  run: () => new Promise(() => {}),
});
const broken = defineTool({
  name: "broken",
  description: "Has a bug.",
  input: z.object({}),
  run() {
    throw new TypeError("a bug of ours");
  },
});
const box = new ToolBox([add, weather, slow, broken], { maxOutputChars: 40 });
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => js.close());

test("the prompt lists names, descriptions and JSON Schemas", () => {
  assert.equal(
    new ToolBox([add]).prompt,
    '1. Name: add\nDescription: Adds two numbers.\nParameters: {"type":"object","properties":{"a":{"type":"number"},' +
      '"b":{"type":"number","description":"the second"}},"required":["a","b"]}',
  );
  assert.deepEqual(box.schemas[1]!.function.parameters, {
    type: "object",
    properties: { city: { type: "string" }, unit: { default: "C", type: "string", enum: ["C", "F"] } },
    required: ["city"],
  });
});

/** A block's text, and what is read of it: names and arguments, or null for what is no call. */
const written: [body: string, calls: ([name: string, args: unknown] | null)[]][] = [
  ['{"name": "add", "arguments": {"a": 1, "b": 2}}', [["add", { a: 1, b: 2 }]]],
  ['\n{"name": "add", "parameters": {"a": 1}}\n', [["add", { a: 1 }]]],
  ['{"name": "f", "arguments": "{\\"x\\": [1]}"}', [["f", { x: [1] }]]],
  ['{"name": "f", "arguments": "not JSON"}', [["f", "not JSON"]]],
  ['{"name": "f"}', [["f", {}]]],
  [
    '{"name": "f", "parameters": {}}\n{"name": "g", "parameters": {"y": null}}',
    [
      ["f", {}],
      ["g", { y: null }],
    ],
  ],
  [
    '[{"name": "f"}, {"name": "g"}]',
    [
      ["f", {}],
      ["g", {}],
    ],
  ],
  ['{\n  "name": "f",\n  "arguments": {\n    "x": 1\n  }\n}', [["f", { x: 1 }]]],
  ['{"name": "f"}\nnonsense\n{"name": "g"}', [["f", {}], null, ["g", {}]]],
  ["print(1)", [null]],
  ['{\n"name": "f",\n"arguments": {"x": 1}', [null]],
  ["", [null]],
  ["null", [null]],
  ["17", [null]],
  ['"add"', [null]],
  ['{"name": 5}', [null]],
  ['{"tool": "f"}', [null]],
  ["[]", []],
];

test("calls are read in every format, and what is none is said to be none", () => {
  for (const [body, calls] of written)
    assert.deepEqual(
      parseToolCalls(`text <tool_call>${body}</tool_call> more`).map((call) =>
        "problem" in call ? null : [call.name, call.args],
      ),
      calls,
      body,
    );
  assert.deepEqual(
    parseToolCalls(
      '<tool_call>{"name":"a"}</tool_call> then <tool_call>{"name":"b"}</tool_call><tool_call>{"name":"c"}',
    ),
    [
      { name: "a", args: {} },
      { name: "b", args: {} },
    ],
  );
});

const call = (name: string, args: unknown) => JSON.stringify({ name, arguments: args });

test("calls are answered in the order in which they were written", async () => {
  const one = await box.run(call("add", { a: 1, b: 2 }));
  assert.deepEqual([one.status, one.stdout, one.exitCode, box.feedback(one)], ["ok", "3", 0, "3"]);
  const body = [call("get_weather", { city: "Oslo", unit: "F" }), call("add", { a: 0.5, b: 1 })].join("\n");
  const two = await box.run(body);
  assert.equal(two.stdout, '1. get_weather: {"city":"Oslo","degrees":26.6}\n2. add: 1.5');
  assert.deepEqual(
    two.calls.map(({ name, status }) => [name, status]),
    [
      ["get_weather", "ok"],
      ["add", "ok"],
    ],
  );
  assert.equal((await box.run(`<tool_call>${body}</tool_call>`)).stdout, two.stdout);
});

test("a bad call is answered with an error text, never an exception", async () => {
  const cases: [body: string, text: RegExp][] = [
    [call("add", { a: "x", b: 2 }), /^Error: Invalid arguments for add: a: Invalid input: expected number/],
    [call("add", {}), /^Error: Invalid arguments/],
    [call("add", null), /^Error: Invalid arguments/],
    [call("ad", {}), /^Error: there is no tool "ad", did you mean add\?$/],
    [call("__proto__", {}), /^Error: there is no tool "__proto__"/],
    [call("get_weather", { city: "Atlantis" }), /^Error: unknown city Atlantis$/],
    ["{", /^Error: A tool call must be a JSON object/],
  ];
  const wide = new ToolBox(box.tools.values());
  for (const [body, text] of cases) {
    const result = await wide.run(body);
    assert.equal(result.status, "error", body);
    assert.match(result.stdout, text);
    assert.equal(result.error!.message, result.stdout);
    assert.equal(wide.feedback(result), result.stdout);
  }
});

test("long answers are cut in the middle, and too many calls refused", async () => {
  const long = defineTool({
    name: "long",
    description: "",
    input: z.object({}),
    run: () => "a".repeat(50) + "b".repeat(50),
  });
  const small = new ToolBox([long, add], { maxOutputChars: 10, maxCallsPerTurn: 2 });
  const result = await small.run(call("long", {}));
  assert.deepEqual([result.stdout, result.truncated], ["aaaaa...bbbbb", true]);
  const many = await small.run(
    Array(3)
      .fill(call("add", { a: 1, b: 1 }))
      .join("\n"),
  );
  assert.deepEqual(
    many.calls.map(({ status }) => status),
    ["ok", "ok", "error"],
  );
});

test("a tool that takes too long is stopped, and learns of it", async () => {
  const result = await box.run(call("slow", {}));
  assert.deepEqual([result.status, result.stdout], ["timeout", "Timeout Error"]);
  let told = false;
  const polite = defineTool({
    name: "polite",
    description: "",
    input: z.object({}),
    run: (_, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          told = true;
          reject(new Error("stopped"));
        }),
      ),
  });
  assert.equal((await new ToolBox([polite], { timeoutMs: 20 }).run(call("polite", {}))).status, "timeout");
  assert.ok(told);
});

test("a failure of a tool itself is never text, and nothing runs after it", async () => {
  const result = await box.run([call("broken", {}), call("add", { a: 1, b: 1 })].join("\n"));
  assert.deepEqual([result.status, result.stdout, result.calls.length], ["infrastructure", "", 1]);
  assert.match(result.stderr, /Tool broken: a bug of ours/);
  assert.throws(() => box.feedback(result), InfrastructureError);
});

test("an aborted signal interrupts a call under way", async () => {
  const stop = new AbortController();
  const waiting = defineTool({
    name: "waiting",
    description: "",
    input: z.object({}),
    run() {
      stop.abort();
      return new Promise(() => {});
    },
  });
  await assert.rejects(new ToolBox([waiting]).run(call("waiting", {}), { signal: stop.signal }), InterruptedError);
  await assert.rejects(box.run(call("add", { a: 1, b: 1 }), { signal: stop.signal }), InterruptedError);
});

test("impossible tools are refused", () => {
  const input = z.object({});
  const run = () => "";
  assert.throws(() => new ToolBox([add, add]), InvalidInputError);
  assert.throws(() => defineTool({ name: "a b", description: "", input, run }), InvalidInputError);
  assert.throws(() => defineTool({ name: "a", description: "", input: z.string(), run }), InvalidInputError);
  assert.throws(
    () => defineTool({ name: "a", description: "", input: z.object({ d: z.date() }), run }),
    InvalidInputError,
  );
  assert.throws(() => new ToolBox([add], { timeoutMs: -1 }), InvalidInputError);
});

test("code is a tool: its statuses pass through, and a session keeps its variables", async () => {
  const tools = new ToolBox([codeTool(js), add]);
  assert.match(tools.prompt, /Name: javascript/);
  const run = (code: string) => tools.run(call("javascript", { code }));
  assert.deepEqual([(await run("console.log(6 * 7)")).stdout, (await run("null.x")).status], ["42", "error"]);
  assert.match((await run("null.x")).stdout, /^TypeError: /);
  const session = await tools.session();
  await session.run(call("javascript", { code: "let x = 20;" }));
  assert.equal((await session.run(call("javascript", { code: "console.log(x + 1)" }))).stdout, "21");
  assert.equal((await run("console.log(typeof x)")).stdout, "undefined");
  const fork = await session.fork({ cell: 1 });
  assert.equal(fork.mismatch, undefined);
  assert.equal((await fork.run(call("javascript", { code: "console.log(x)" }))).stdout, "20");
  await fork.close();
  await session.close();
  await assert.rejects(session.run(call("add", { a: 1, b: 1 })), InvalidInputError);
});
