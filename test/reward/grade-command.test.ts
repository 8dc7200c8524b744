import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../bin/cirlab.js", import.meta.url));

interface Answer {
  id?: string | number;
  equal?: boolean | null;
  how?: string;
  notes?: string[];
  line?: number;
  error?: { message: string };
}

const start = (...options: string[]) => spawn(process.execPath, [program, "grade", ...options]);

test("lines in, verdicts out, in order; a malformed line is answered with an error and the next is served", async () => {
  const child = start("--jsonl", "--sympy", "none");
  const answers: Answer[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => answers.push(JSON.parse(line)));
  const pairs = Array.from({ length: 300 }, (_, k) => ({
    id: `r${k}`,
    gold: `${k}x`,
    answer: k % 2 ? `x\\cdot ${k}` : "x",
  }));
  child.stdin.end(
    [
      JSON.stringify({ id: 1, gold: "\\frac12", answer: "0.5" }),
      "no JSON",
      JSON.stringify({ id: 3, gold: "1" }),
      JSON.stringify({ id: 4, gold: "50\\%", answer: "50" }),
      "",
      ...pairs.map((pair) => JSON.stringify(pair)),
    ].join("\n"),
  );
  const [exitCode] = await once(child, "close");
  assert.equal(exitCode, 0);
  assert.deepEqual(answers[0], { id: 1, equal: true, how: "exact", notes: [] });
  assert.deepEqual([answers[1]!.line, answers[1]!.id], [2, undefined]);
  assert.match(answers[1]!.error!.message, /no JSON/);
  assert.deepEqual([answers[2]!.line, answers[2]!.id], [3, 3]);
  assert.match(answers[2]!.error!.message, /answer/);
  assert.deepEqual([answers[3]!.equal, answers[3]!.notes!.length], [true, 1]);
  assert.deepEqual(
    answers.slice(4).map(({ id, equal }) => [id, equal]),
    pairs.map(({ id }, k) => [id, k % 2 === 1]),
  );
});

test("a verdict comes before the input ends", async () => {
  const child = start("--jsonl", "--sympy", "none");
  const lines = createInterface({ input: child.stdout });
  child.stdin.write(`${JSON.stringify({ id: "first", gold: "2x", answer: "x+x" })}\n`);
  const [line] = (await once(lines, "line")) as [string];
  assert.deepEqual(JSON.parse(line), { id: "first", equal: true, how: "symbolic", notes: [] });
  child.stdin.end();
  assert.equal((await once(child, "close"))[0], 0);
});

test("without --jsonl, or with an unknown option, the command explains itself", async () => {
  for (const options of [[], ["--jsonl", "--sympy", "yes"], ["--json"]]) {
    const child = start(...options);
    let complaint = "";
    child.stderr.on("data", (text) => {
      complaint += text;
    });
    assert.equal((await once(child, "close"))[0], 2, options.join(" "));
    assert.match(complaint, /Usage: cirlab grade/);
  }
});
