import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import type { CodeInterpreter } from "../../src/interpreter/types.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { BoundaryMatcher, toolOutputText } from "../../src/rollout/boundary.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { TraceBuilder, type TraceRow, traceMixtures } from "../../src/rollout/tasks/traces.ts";

const tokenizer = tinyMathTokenizer();
const taskset = tasks.arithmetic({ seed: 1 });
let interpreter: CodeInterpreter;
let rows: TraceRow[];

const builder = (trainTools?: boolean) => new TraceBuilder({ taskset, tokenizer, interpreter, seed: 80, trainTools });

before(async () => {
  interpreter = await PythonInterpreter.start({ isolation: "pooled" });
  rows = await builder().rows(traceMixtures.base, { count: 1500 });
});
after(() => interpreter.close());

/** Walks over a trace as a rollout would sample it, and says where tools answered: cell and span of the answer. */
async function toolCalls(row: TraceRow): Promise<{ cell: string; start: number; end: number; output: string }[]> {
  const calls: { cell: string; start: number; end: number; output: string }[] = [];
  const matcher = new BoundaryMatcher();
  for (let i = row.promptLength; i < row.ids.length; i++) {
    const boundary = matcher.push(tokenizer.tokenText(row.ids[i]!));
    if (!boundary) continue;
    const output = interpreter.feedback(await interpreter.run(boundary.code));
    const answer = tokenizer.encode(toolOutputText(output, boundary.overflow === "\n"), { specials: false });
    const start = i + 1;
    assert.deepEqual(row.ids.slice(start, start + answer.length), answer, tokenizer.decode(row.ids));
    calls.push({ cell: boundary.code, start, end: start + answer.length, output });
    i += answer.length;
    matcher.reset();
  }
  return calls;
}

test("a trace is token for token what a rollout would be: each cell's output is what the interpreter says", async () => {
  let calls = 0;
  const errors = new Set<string>();
  for (const row of rows.slice(0, 400)) {
    for (const call of await toolCalls(row)) {
      calls++;
      if (call.output.includes("Error")) errors.add(call.output.split(":")[0]!);
    }
  }
  assert.ok(calls > 100, `${calls} calls`);
  assert.deepEqual([...errors].sort(), ["NameError", "SyntaxError", "TypeError"]);
});

test("traces fit the tiny policy: no unknown token, short, one end", () => {
  for (const { ids, promptLength, trained } of rows) {
    assert.ok(!ids.includes(tokenizer.unkId));
    assert.ok(ids.length <= 112, tokenizer.decode(ids));
    assert.deepEqual([ids.indexOf(tokenizer.eosId), trained.length], [ids.length - 1, ids.length]);
    assert.deepEqual([trained.indexOf(true), trained.includes(false, promptLength)], [promptLength, false]);
  }
});

test("the mixture decides how traces look", () => {
  const text = tokenizer.idOf("<T>");
  const allowed = rows.filter((row) => row.ids[0] !== text);
  const withCode = allowed.filter((row) => tokenizer.decode(row.ids).includes("```py"));
  assert.ok(Math.abs(allowed.length / rows.length - 0.75) < 0.04);
  assert.ok(Math.abs(withCode.length / allowed.length - 0.4) < 0.05);
  assert.ok(rows.every((row) => row.ids[0] !== text || !tokenizer.decode(row.ids).includes("```")));
  const closings = new Set(
    withCode.map((row) => row.ids.filter((id) => /^\n?`+\n?$/.test(tokenizer.tokenText(id))).join()),
  );
  assert.ok(closings.size >= 4, "several tokenisations of the closing fence");
});

test("row i is the same however the corpus is cut, and a perfect mixture answers every task that code can", async () => {
  const parts = builder();
  const some = [
    ...(await parts.rows(traceMixtures.base, { start: 0, count: 7 })),
    ...(await parts.rows(traceMixtures.base, { start: 7, count: 13 })),
  ];
  assert.deepEqual(some, rows.slice(0, 20));
  const perfect = { ...traceMixtures.base, codeAllowed: 1, code: 1, bug: 0, stopEarly: 0, miscopy: 0 };
  for (const row of await parts.rows(perfect, { count: 200 })) {
    if (row.task.family === "facts") continue;
    assert.ok(tokenizer.decode(row.ids).endsWith(`\\boxed{${row.task.answer}}`), tokenizer.decode(row.ids));
  }
});

test("tool outputs can be left out of the loss, and nothing else changes", async () => {
  const masked = await builder(false).rows(traceMixtures.base, { count: 100 });
  for (const [i, row] of masked.entries()) {
    assert.deepEqual(row.ids, rows[i]!.ids);
    const untrained = row.ids.map((_, at) => at).filter((at) => at >= row.promptLength && !row.trained[at]);
    const answers = (await toolCalls(row)).flatMap(({ start, end }) => row.ids.map((_, at) => at).slice(start, end));
    assert.deepEqual(untrained, answers);
  }
});

test("a mixture with a share outside 0 to 1 is refused", async () => {
  await assert.rejects(builder().rows({ ...traceMixtures.base, bug: 1.5 }, { count: 1 }), /bug.*1\.5/);
});
