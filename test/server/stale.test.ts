import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import { type CellRunRecord, type CellRunsSnapshot, cellRunsTarget } from "../../kernel/protocol/cellRuns.ts";
import { findStale, isCurable, planRun } from "../../server/stale/graph.ts";
import { explain, type NamedCell } from "../../server/stale/words.ts";
import { TestKernel } from "../kernel/client.ts";

/** A notebook's code cells on a real kernel, as a page has them. */
class Page {
  readonly #kernel: TestKernel;
  cells: NamedCell[] = [];
  readonly runs = new Map<string, CellRunRecord>();

  constructor(kernel: TestKernel, cells: Record<string, string>) {
    this.#kernel = kernel;
    this.cells = Object.entries(cells).map(([id, source]) => ({ id, source, executionCount: null }));
  }

  cell(id: string): NamedCell {
    return this.cells.find((cell) => cell.id === id)!;
  }

  async run(...ids: string[]): Promise<void> {
    for (const id of ids) {
      const cell = this.cell(id);
      const running = this.#kernel.send(cell.source, {}, { cellId: id });
      const { reply } = await running.done;
      cell.executionCount = reply.execution_count as number;
      const idle = this.#kernel.received.findLast(
        ({ header, parent_header }) => header.msg_type === "status" && parent_header.msg_id === running.id,
      )!;
      this.runs.set(id, idle.metadata.cirlab as CellRunRecord);
    }
  }

  runAll(): Promise<void> {
    return this.run(...this.cells.map(({ id }) => id));
  }

  /** Ids of the stale cells; those that a run cannot cure have a `!`. */
  get stale(): string[] {
    return [...findStale(this.cells, this.runs)].map(([id, reasons]) => (reasons.some(isCurable) ? id : `${id}!`));
  }

  get plan(): string[] {
    return planRun(this.cells, this.runs);
  }

  /** Runs what is stale as the page does; returns what ran. */
  async runStale(): Promise<string[]> {
    const done: string[] = [];
    for (;;) {
      const next = this.plan.find((id) => !done.includes(id));
      if (!next) return done;
      await this.run(next);
      done.push(next);
    }
  }

  why(id: string): string {
    return explain(id, findStale(this.cells, this.runs).get(id) ?? [], this.cells);
  }
}

suite("stale cells", () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());
  beforeEach(() => kernel.execute("%reset"));

  const chain = { a: "let a = 1;", b: "let b = a + 1;", c: "let c = b + 1;", d: "const other = 5;" };

  test("nothing is stale after a run from the top; an edit makes its cell and all that use it stale", async () => {
    const page = new Page(kernel, chain);
    await page.runAll();
    assert.deepEqual(page.stale, []);
    page.cell("a").source = "let a = 10;";
    assert.deepEqual(page.stale, ["a", "b", "c"]);
    assert.equal(page.why("a"), "Edited since it ran.");
    assert.equal(page.why("b"), `Uses \`a\` of cell [${page.cell("a").executionCount}], which is stale.`);
    assert.deepEqual(await page.runStale(), ["a", "b", "c"]);
    assert.deepEqual(page.stale, []);
    assert.equal((await kernel.execute("c")).result, "12");
  });

  test("a cell that ran again makes its users stale, and theirs; an edit taken back cures", async () => {
    const page = new Page(kernel, chain);
    await page.runAll();
    await page.run("b");
    assert.deepEqual(page.stale, ["c"]);
    assert.equal(page.why("c"), `Uses \`b\`, which cell [${page.cell("b").executionCount}] defined anew.`);
    page.cell("b").source += " ";
    page.cell("b").source = page.cell("b").source.trimEnd();
    assert.deepEqual(await page.runStale(), ["c"]);
    assert.deepEqual(page.stale, []);
  });

  test("a cell that sets an earlier name twice is told, and run again from the value that it starts from", async () => {
    const page = new Page(kernel, { a: "let total = 0;", b: "total += 5;", c: "total" });
    await page.runAll();
    assert.deepEqual(page.stale, []);
    await page.run("b");
    assert.deepEqual(page.stale, ["b", "c"]);
    assert.match(page.why("b"), /^Ran again on the `total` that it had set itself/);
    assert.deepEqual(await page.runStale(), ["a", "b", "c"]);
    assert.deepEqual(page.stale, []);
    assert.equal((await kernel.execute("total")).result, "5");
  });

  test("out of order: a cell above that uses what a cell below has replaced", async () => {
    const page = new Page(kernel, { a: "let x = 1;", b: "x", c: "x = 2;", d: "x" });
    await page.runAll();
    assert.deepEqual(page.stale, []);
    await page.run("b");
    assert.deepEqual(page.stale, ["b"]);
    assert.match(page.why("b"), /^Used the `x` of cell \[\d+\]; from the top it gets that of cell \[\d+\]\.$/);
    // The value of `c` is put back at the end, so that the cells below find it.
    assert.deepEqual(await page.runStale(), ["a", "b", "c", "d"]);
    assert.deepEqual(page.stale, []);
    assert.equal((await kernel.execute("x")).result, "2");
  });

  test("a name of a deleted, an emptied and a later cell is hidden state that no run cures", async () => {
    const page = new Page(kernel, { ...chain, e: "const twice = (n: number) => n * later;", f: "const later = 2;" });
    await page.runAll();
    assert.deepEqual(page.stale, []);
    const [a] = page.cells.splice(0, 1);
    assert.deepEqual(page.stale, ["b!"]);
    assert.match(page.why("b"), /a deleted cell/);
    assert.deepEqual(page.plan, []);
    page.cells.push(a!);
    assert.match(page.why("b"), /which only cell \[\d+\] below defines/);
    page.cells.unshift(page.cells.pop()!);
    assert.deepEqual(page.stale, []);
    page.cell("a").source = " ";
    assert.match(page.why("b"), /no longer defines/);
  });

  test("what a function looks up when it runs counts for who calls it, and may stand below", async () => {
    const page = new Page(kernel, {
      f: "function f() { return helper(); }",
      helper: "function helper() { return 1; }",
      call: "f()",
    });
    await page.runAll();
    await page.run("f");
    assert.deepEqual(page.stale, ["call"]);
    await page.run("call");
    page.cell("helper").source = "function helper() { return 2; }";
    await page.run("helper");
    assert.deepEqual(page.stale, ["call"]);
    assert.match(page.why("call"), /^Uses `helper` \(through `f`\), which cell \[\d+\] defined anew\.$/);
  });

  test("an import that runs again changes nothing; code outside the notebook does", async () => {
    const page = new Page(kernel, {
      i: 'import { basename } from "node:path"; let n = 1;',
      u: 'basename("/a/b")',
      v: "n",
    });
    await page.runAll();
    await page.run("i");
    assert.deepEqual(page.stale, ["v"]);
    await page.run("v");
    await kernel.execute("n = 7");
    await page.run("v");
    assert.match(page.why("v"), /^Used the `n` of code outside the notebook/);
    assert.deepEqual(await page.runStale(), ["i", "v"]);
  });

  test("a cell that failed half way keeps what it set; one that ran too early is told", async () => {
    const page = new Page(kernel, { a: "let first = 1; null!.x; let second = 2;", b: "second" });
    await page.run("b", "a");
    assert.deepEqual(Object.keys(page.runs.get("a")!.writes), ["first"]);
    page.cell("a").source = "let first = 1; let second = 2;";
    await page.run("a");
    assert.match(page.why("b"), /^Ran before cell \[\d+\] defined `second`\.$/);
    assert.deepEqual(await page.runStale(), ["b"]);
  });

  test("a page that opens later asks the kernel, also while a cell runs; a new session begins anew", async () => {
    const page = new Page(kernel, chain);
    await page.runAll();
    const ask = async (): Promise<CellRunsSnapshot> => {
      const comm_id = crypto.randomUUID();
      const message = kernel.client.message("comm_open", { comm_id, target_name: cellRunsTarget, data: {} });
      void kernel.client.send("shell", message);
      const answer = await kernel.until(() =>
        kernel.received.find(({ header, content }) => header.msg_type === "comm_msg" && content.comm_id === comm_id),
      );
      return answer.content.data as CellRunsSnapshot;
    };
    const running = kernel.send("while (true) {}", {}, { cellId: "loop" });
    await running.until(({ header }) => header.msg_type === "execute_input");
    const { session, runs } = await ask();
    assert.deepEqual(runs, [...page.runs.values()]);
    await kernel.interrupt();
    await running.done;
    await kernel.execute("%reset");
    const fresh = await ask();
    assert.deepEqual(fresh.runs, []);
    assert.ok(fresh.session > session);
  });
});
