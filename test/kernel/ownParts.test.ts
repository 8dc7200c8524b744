import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TestKernel } from "./client.ts";

describe("parts of a training written in cells", { concurrency: false }, () => {
  let kernel: TestKernel;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-own-parts-"));
    kernel = await TestKernel.start({ cwd: folder });
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a cell, whose types are checked before it ends, and gives its result as JSON. */
  const run = async (code: string): Promise<unknown> => {
    const { reply, stdout, stderr } = await kernel.execute(code, { allow_stdin: false });
    assert.equal(reply.status, "ok", `${reply.traceback}`);
    assert.doesNotMatch(stderr, /error|TS\d+|cell \d+/i);
    return stdout ? JSON.parse(stdout) : undefined;
  };

  test("a function is recorded as its cell has it, with what it reads from other cells", async () => {
    await run(`import { basename } from "node:path";
import { estimator, filter, graph, guard, Lab, objective, Policy, PythonInterpreter, reward, schedule, taskFamily, Trainer } from "cirlab";
const table: Record<string, number> = { long: -1, short: 1 };
const limit = new (class Limit { value = 9 })();
function isLong(text: string): boolean {
  let length = 0;
  for (const letter of text) length += letter.length;
  return length > 9;
}`);
    const record = (await run(`const lengthAware = reward("length-aware", async ({ task, text, tokens = 0 }) => {
  // Types and comments do not count.
  const verdict: number = await Promise.resolve(table[isLong(text) ? "long" : "short"]!);
  return { reward: verdict - tokens / 1000, correct: text.includes(basename(task.answer)) && limit.value > 0 };
});
console.log(JSON.stringify(lengthAware.record));`)) as {
      functions: { code: string[] };
      captured: Record<string, { kind: string; source?: string; json?: unknown; module?: string }>;
      unrecorded: string[];
      hash: string;
    };
    const source = record.functions.code.join("\n");
    assert.match(source, /^async \(\{ task, text, tokens = 0 \}\) => \{/);
    assert.match(source, /await Promise\.resolve\(table\[isLong\(text\) \? "long" : "short"\]\)/);
    assert.doesNotMatch(source, /__kernel|exports|: number/);
    assert.deepEqual(Object.keys(record.captured).sort(), ["basename", "isLong", "table"]);
    assert.match(record.captured.isLong!.source!, /^function isLong\(text\) \{[^_]*letter\.length;/);
    assert.deepEqual(record.captured.table, { kind: "data", json: { long: -1, short: 1 } });
    assert.deepEqual(record.captured.basename, { kind: "import", module: "node:path" });
    assert.deepEqual(record.unrecorded, ["limit"], "an instance of a class says nothing of itself");

    // A parameter of a function around it is not the notebook's name.
    const closed = await run(`const factor = 5;
const scaled = (factor: number) => estimator("scaled", ({ rewards }) => rewards.map((value) => value * factor));
const { captured, unrecorded } = scaled(2).record;
console.log(JSON.stringify({ captured, unrecorded }));`);
    assert.deepEqual(closed, { captured: {}, unrecorded: ["factor"] });

    // The same cell again, laid out anew, is the same part; other data are another.
    const hashes =
      (await run(`const again = () => estimator("one", ({ rewards }) => rewards.map((value) => value * table.long!));
const hashes = [again().hash, estimator("one", ({rewards}) => rewards.map((value: number) => (value * table.long!))).hash];
table.long = -2;
hashes.push(again().hash);
table.long = -1;
hashes.push(again().hash);
console.log(JSON.stringify(hashes));`)) as string[];
    assert.deepEqual([hashes[1], hashes[3]], [hashes[0], hashes[0]]);
    assert.notEqual(hashes[0], hashes[2]);
  });

  test("a trainer made of them trains, and its run's folder holds their code", async () => {
    const run1 = (await run(`const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
const policy = await Policy.create("tiny-math", { lab });
const python = await PythonInterpreter.start({ isolation: "pooled" });
const trainer = new Trainer({
  lab, policy, interpreter: python, promptsPerStep: 2, numGenerations: 2, miniBatches: 1, maxLength: 24,
  taskset: taskFamily("doubles", (random) => {
    const a = random.integer(10, 99);
    return { prompt: \`\${a}+\${a}=?\`, answer: String(2 * a) };
  }),
  reward: lengthAware,
  advantageEstimator: function centred({ rewards, tokenCounts }) {
    const mean = rewards.reduce((sum, one) => sum + one, 0) / rewards.length;
    return rewards.map((one, i) => (one - mean) / Math.max(1, tokenCounts[i]!));
  },
  policyLoss: objective("plain", ({ ratio, advantages }) => graph.neg(graph.mul(ratio, advantages))),
  filters: [filter("early", (rollout, siblings) => rollout.trajectory.length < 8 && siblings.length > 1)],
  guards: [guard("words", ({ metrics, batch }) => metrics.entropy! + batch.rollouts.length, { above: 1e6 })],
  maxToolCalls: (step) => (step < 10 ? 1 : 2),
});
await trainer.train(1).done();
console.log(JSON.stringify((await trainer.openRun("runs")).folder));`)) as string;
    const parts = join(folder, run1, "parts");
    const names = (await readdir(parts)).map((name) => name.replace(/-[0-9a-f]{12}\.json$/, ""));
    assert.deepEqual(names.sort(), ["centred", "doubles", "early", "length-aware", "maxtoolcalls", "plain", "words"]);
    const file = (await readdir(parts)).find((name) => name.startsWith("plain"))!;
    const plain = JSON.parse(await readFile(join(parts, file), "utf8"));
    assert.deepEqual(plain.functions.code, ["({ ratio, advantages }) => graph.neg(graph.mul(ratio, advantages))"]);
    assert.deepEqual(plain.captured.graph, { kind: "import", module: "cirlab" });
  });

  test("a file of the user's own that a part imports, or that one imports in turn, counts: a changed one is named", async () => {
    await writeFile(join(folder, "weights.json"), '{ "bonus": 2 }');
    await writeFile(join(folder, "lib.ts"), "export const scale = (value: number): number => value * 3;\n");
    await writeFile(
      join(folder, "helper.ts"),
      'import { scale } from "./lib";\nimport weights from "./weights.json";\nexport const shaped = (value: number): number => scale(value) + weights.bonus;\n',
    );
    const imports = 'import { shaped } from "./helper.ts";';
    const make = 'var imported = estimator("imported", ({ rewards }) => rewards.map((value) => shaped(value)));';
    const record = async () =>
      (await run(`${make}\nconsole.log(JSON.stringify(imported.record));`)) as {
        hash: string;
        captured: { shaped: { module: string; files: { path: string; sha256: string }[] } };
      };
    await run(imports);
    const first = await record();
    const { module, files } = first.captured.shaped;
    assert.equal(module, "./helper.ts");
    assert.deepEqual(
      files.map(({ path }) => path),
      ["helper.ts", "lib.ts", "weights.json"],
    );
    await run(imports);
    assert.equal((await record()).hash, first.hash, "the same files, imported again");

    const made = (await run(`const second = new Trainer({
  lab, policy: await Policy.create("tiny-math", { lab }), interpreter: python, promptsPerStep: 2, numGenerations: 2,
  miniBatches: 1, maxLength: 24, taskset: taskFamily("ones", () => ({ prompt: "1+1=?", answer: "2" })),
  reward: lengthAware, advantageEstimator: imported,
});
await second.train(1).done();
await second.close();
console.log(JSON.stringify((await second.openRun("runs")).folder));`)) as string;
    await writeFile(join(folder, "lib.ts"), "export const scale = (value: number): number => value * 4;\n");
    assert.equal((await record()).hash, first.hash, "what was imported is what it was");
    await run(imports);
    const changed = await record();
    assert.notEqual(changed.hash, first.hash);
    const refusal = (await run(`let refusal = "";
try {
  await Trainer.resume(${JSON.stringify(made)}, { interpreter: python, parts: [imported, lengthAware, second.taskset as never] });
} catch (error) {
  refusal = String(error);
}
console.log(JSON.stringify(refusal));`)) as string;
    assert.match(refusal, /trained with another estimator "imported" than the one given/);
    const lines = refusal.split("\n").filter((line) => /^[-+]\/\//.test(line));
    const hashOf = ({ captured }: typeof first) => captured.shaped.files[1]!.sha256;
    assert.deepEqual(lines, [`-//   lib.ts, sha-256 ${hashOf(first)}`, `+//   lib.ts, sha-256 ${hashOf(changed)}`]);
    await writeFile(join(folder, "weights.json"), '{ "bonus": 5 }');
    await run(imports);
    assert.notEqual((await record()).hash, changed.hash, "data of a file count too");
  });
});
