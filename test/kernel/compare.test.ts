import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { outputDifference } from "../../kernel/notebook/compare.ts";
import { commandFile } from "../../kernel/package.ts";

const stream = (text: string | string[], name = "stdout") => ({ output_type: "stream", name, text });
const result = (data: object, execution_count = 1) => ({
  output_type: "execute_result",
  data,
  metadata: {},
  execution_count,
});
const differ = (a: string, b: string, options = {}) => outputDifference([stream(a)], [stream(b)], options);

test("the same outputs in other pieces and under other numbers are the same", () => {
  const before = [stream(["a\n", "b\n"]), result({ "text/plain": ["1"], "application/json": { a: 1, b: 2 } }, 3)];
  const after = [stream("a\n"), stream("b\n"), result({ "application/json": { b: 2, a: 1 }, "text/plain": "1" }, 9)];
  assert.equal(outputDifference(before, after), undefined);
});

test("what differs is told with its place", () => {
  assert.equal(differ("a\nb\nc", "a\nB\nc"), 'stdout differs in line 2: it was "b", now it is "B"');
  assert.equal(differ("a\n", "a\nb\n"), 'stdout differs in line 2: it was "", now it is "b"');
  assert.equal(outputDifference([stream("a")], []), 'stdout is missing: it was "a"');
  assert.equal(outputDifference([], [result({ "text/plain": "x" })]), 'text/plain of output 1 is new: "x"');
  assert.equal(outputDifference([stream("a")], [stream("a", "stderr")]), "stdout became stderr");
  const png = (data: string) => [result({ "image/png": data })];
  assert.match(outputDifference(png("AAAA"), png("AAAB"))!, /^image\/png of output 1 differs/);
});

test("times and ids do not count unless asked; figures do", () => {
  const pairs = [
    ["took 12.3 ms (1,204 tokens/s)", "took 9 ms (998.5 tokens/s)"],
    ["at 2026-11-23T10:02:03.5Z, 10:02", "at 2027-01-02T11:12:13Z, 9:30"],
    ["run 3f9a12cd, 7d444840-9dc0-11d1-b245-5ffdce74fad2", "run 90ab12ff, 00000000-9dc0-11d1-b245-5ffdce74fad2"],
    ["/tmp/cirlab-x1/out.txt pid 12 localhost:80", "/tmp/cirlab-zz/out.txt pid 9981 localhost:8123"],
    ["\u001b[31mred\u001b[39m", "red"],
  ] as const;
  for (const [a, b] of pairs) {
    assert.equal(differ(a, b), undefined, a);
    assert.notEqual(differ(a, b, { exact: true }), undefined, a);
  }
  for (const [a, b] of [
    ["reward 0.5", "reward 0.6"],
    ["deadbeef", "beefdead"],
    ["3 samples", "4 samples"],
    ["12345678", "12345679"],
  ] as const)
    assert.notEqual(differ(a, b), undefined, a);
});

test("numbers within the tolerance are the same", () => {
  assert.notEqual(differ("loss 1.0000001, 1e-9", "loss 1.0, 0"), undefined);
  assert.equal(differ("loss 1.0000001, 1e-9", "loss 1.0, 0", { tolerance: 1e-6 }), undefined);
  assert.notEqual(differ("loss 1.001", "loss 1.0", { tolerance: 1e-6 }), undefined);
  assert.notEqual(differ("loss 1.0 a", "loss 1.0 b", { tolerance: 0.5 }), undefined);
});

test("cirlab run --compare tells cell by cell, and by its exit code", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-compare-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const cell = (source: string, text: string, tags: string[] = []) => ({
    ...{ cell_type: "code", id: `c${source.length}`, metadata: { tags }, source, execution_count: 1 },
    outputs: [stream(text)],
  });
  const write = (...cells: object[]) =>
    writeFile(join(folder, "n.ipynb"), JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [commandFile, "run", "n.ipynb", "--quiet", ...args], { cwd: folder, encoding: "utf8" });
  await write(
    cell("console.log('same')", "same\n"),
    cell("console.log(1.5)", "1.4999\n"),
    cell("console.log(Math.random())", "0.5\n", ["varies"]),
  );
  const strict = run("--compare");
  assert.equal(strict.status, 3, strict.stderr);
  assert.equal(
    strict.stdout,
    'cell 2 (console.log(1.5)): stdout differs in line 1: it was "1.4999", now it is "1.5"\n1 of 2 cells differ.\n',
  );
  const loose = run("--compare", "--tolerance", "1e-3");
  assert.equal(loose.status, 0, loose.stderr);
  assert.equal(loose.stdout, "2 cells gave the same.\n");
  assert.equal(run("--tolerance", "1").status, 2);
});
