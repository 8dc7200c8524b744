import assert from "node:assert/strict";
import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { History, historyPath } from "../../kernel/front/history.ts";
import { HistoryFile } from "../../kernel/front/historyFile.ts";
import { TestKernel } from "./client.ts";

describe("history", { concurrency: false }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-history-"));
  });
  after(() => rm(folder, { recursive: true }));

  const asked = async (kernel: TestKernel, content: Record<string, unknown>) =>
    (await kernel.ask("history_request", { output: false, raw: true, ...content })).history;

  test("is kept over restarts: tail, range with absolute and relative sessions, search", async () => {
    const path = join(folder, "deeper", "history.jsonl");
    const env = { CIRLAB_HISTORY: path };
    const first = await TestKernel.start({ env });
    await first.execute("const a = 1");
    await first.execute("a +\n  1");
    await first.execute("'silent'", { silent: true });
    await first.execute("'unstored'", { store_history: false });
    await first.execute("throw new Error('x')");
    await first.stop();
    assert.equal((await stat(path)).mode & 0o777, 0o600);

    const second = await TestKernel.start({ env });
    const tail = { hist_access_type: "tail", n: 10 };
    assert.deepEqual(await asked(second, { ...tail, output: true }), [
      [1, 1, ["const a = 1", null]],
      [1, 2, ["a +\n  1", "2"]],
      [1, 4, ["throw new Error('x')", null]],
    ]);
    await second.execute("const b = 2");
    const range = { hist_access_type: "range", start: 1, stop: 3 };
    assert.deepEqual(await asked(second, { ...range, session: 0 }), [[2, 1, "const b = 2"]]);
    assert.deepEqual(await asked(second, { ...range, session: -1 }), [
      [1, 1, "const a = 1"],
      [1, 2, "a +\n  1"],
    ]);
    assert.deepEqual(await asked(second, { ...range, session: 1, stop: 2 }), [[1, 1, "const a = 1"]]);
    assert.deepEqual(await asked(second, { ...range, session: -7 }), []);
    assert.deepEqual(await asked(second, { ...range, session: 99 }), []);

    await second.execute("const a = 1");
    const search = { hist_access_type: "search", pattern: "const ?*=*" };
    assert.deepEqual(await asked(second, search), [
      [1, 1, "const a = 1"],
      [2, 1, "const b = 2"],
      [2, 2, "const a = 1"],
    ]);
    assert.deepEqual(await asked(second, { ...search, unique: true }), [
      [2, 1, "const b = 2"],
      [2, 2, "const a = 1"],
    ]);
    assert.deepEqual(await asked(second, { ...search, n: 1 }), [[2, 2, "const a = 1"]]);
    assert.deepEqual(await asked(second, { hist_access_type: "no such" }), []);
    await second.stop();
  });

  test("kernels that write at the same time keep every line and have numbers of their own", async () => {
    const path = join(folder, "shared.jsonl");
    process.env.CIRLAB_HISTORY = path;
    try {
      const histories = Array.from({ length: 8 }, () => new History());
      for (let round = 1; round <= 20; round++) {
        for (const [i, history] of histories.entries()) history.add(round, `cell ${i}.${round}`);
        await Promise.all(histories.map((history) => history.close()));
      }
      const all = await new History().answer({ hist_access_type: "tail" });
      assert.equal(all.length, 160);
      assert.equal(new Set((all as [number][]).map(([session]) => session)).size, 8);
    } finally {
      delete process.env.CIRLAB_HISTORY;
    }
  });

  test("torn and foreign lines are passed over", async () => {
    const path = join(folder, "torn.jsonl");
    const file = new HistoryFile(path);
    await file.append([{ session: "a" }, { session: "a", line: 1, in: "one" }]);
    await appendFile(path, '[1]\nnull\n{"session": 5}\n{"session":"a","line":2,"in":"tor');
    await file.append([{ session: "b" }, { session: "b", line: 1, in: "two" }]);
    assert.deepEqual(
      (await file.read()).entries.map(({ session, input }) => [session, input]),
      [
        [1, "one"],
        [2, "two"],
      ],
    );
  });

  test("only the newest entries stay; sessions keep their numbers; nothing written meanwhile is lost", async () => {
    const path = join(folder, "long.jsonl");
    const file = new HistoryFile(path);
    const lines = [];
    for (let session = 1; session <= 30; session++) {
      lines.push({ session: `s${session}` });
      for (let line = 1; line <= 10; line++) lines.push({ session: `s${session}`, line, in: `${session}.${line}` });
    }
    await file.append(lines);
    await file.compact(300);
    assert.equal((await file.read()).entries.length, 300);
    const writers = Array.from({ length: 10 }, (_, i) =>
      new HistoryFile(path).append([{ session: `w${i}` }, { session: `w${i}`, line: 1, in: `late ${i}` }]),
    );
    await Promise.all([file.compact(100), new HistoryFile(path).compact(100), ...writers]);
    const { entries } = await file.read();
    assert.equal(entries.filter(({ input }) => input.startsWith("late")).length, 10);
    const old = entries.filter(({ input }) => !input.startsWith("late"));
    assert.ok(old.length >= 90 && old.length <= 100, `${old.length} old entries`);
    assert.deepEqual(old.at(-1), { session: 30, line: 10, input: "30.10", output: null });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("a lock that a dead process left does not last", async () => {
    const path = join(folder, "locked.jsonl");
    const file = new HistoryFile(path);
    await file.append([
      { session: "a" },
      ...Array.from({ length: 10 }, (_, line) => ({ session: "a", line, in: String(line) })),
    ]);
    await writeFile(`${path}.lock`, "");
    await file.compact(2);
    assert.equal((await file.read()).entries.length, 10);
    const { utimes } = await import("node:fs/promises");
    await utimes(`${path}.lock`, 1, 1);
    await file.compact(2);
    assert.equal((await file.read()).entries.length, 2);
    await assert.rejects(readFile(`${path}.lock`), { code: "ENOENT" });
  });

  test("a place that cannot be written is told once and harms no cell", async () => {
    const place = join(folder, "file");
    await writeFile(place, "");
    await chmod(place, 0o400);
    const errors: unknown[] = [];
    const { error } = console;
    console.error = (text: unknown) => errors.push(text);
    process.env.CIRLAB_HISTORY = join(place, "history.jsonl");
    try {
      const history = new History();
      for (let line = 1; line <= 3; line++) {
        history.add(line, `cell ${line}`);
        await history.close();
      }
      assert.deepEqual(await history.answer({ hist_access_type: "tail", n: 1 }), [[1, 3, "cell 3"]]);
    } finally {
      console.error = error;
      delete process.env.CIRLAB_HISTORY;
    }
    assert.equal(errors.length, 1);
    assert.match(String(errors[0]), /cirlab kernel: the history cannot be kept .*CIRLAB_HISTORY/);
  });

  test("the file lies in the user's Jupyter folder, where it is told, or nowhere", () => {
    assert.equal(historyPath({ JUPYTER_DATA_DIR: "/data" }), join("/data", "cirlab", "history.jsonl"));
    assert.equal(historyPath({ CIRLAB_HISTORY: "/tmp/h.jsonl" }), "/tmp/h.jsonl");
    assert.equal(historyPath({ CIRLAB_HISTORY: "off" }), undefined);
  });

  test("a glob that would keep a regular expression busy for ever is answered", async () => {
    process.env.CIRLAB_HISTORY = "off";
    try {
      const history = new History();
      history.add(1, "a".repeat(5000));
      const pattern = `${"*a".repeat(40)}*b`;
      assert.deepEqual(await history.answer({ hist_access_type: "search", pattern }), []);
    } finally {
      delete process.env.CIRLAB_HISTORY;
    }
  });
});
