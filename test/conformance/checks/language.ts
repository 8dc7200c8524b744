import assert from "node:assert/strict";
import type { TestKernel } from "../../kernel/client.ts";
import type { Check } from "./check.ts";

type Content = Record<string, unknown>;

const complete = async (kernel: TestKernel, code: string) => {
  const cursor_pos = [...code].length;
  return { cursor_pos, ...(await kernel.ask("complete_request", { code, cursor_pos })) } as Content & {
    matches: string[];
    cursor_pos: number;
  };
};
const inspect = (kernel: TestKernel, code: string, detail_level = 0) =>
  kernel.ask("inspect_request", { code, cursor_pos: [...code].length, detail_level });
const bare = (matches: string[]) => matches.map((match) => match.split(".").at(-1));

const isComplete =
  (cell: "complete" | "incomplete" | "indented" | "invalid", status: string): Check["run"] =>
  async (kernel, cells) =>
    assert.equal((await kernel.ask("is_complete_request", { code: cells[cell] })).status, status);

const history = (kernel: TestKernel, content: Content) =>
  kernel.ask("history_request", { output: false, raw: true, ...content });

export const language: Check[] = [
  { name: "is_complete: complete", run: isComplete("complete", "complete") },
  { name: "is_complete: incomplete", run: isComplete("incomplete", "incomplete") },
  { name: "is_complete: invalid", run: isComplete("invalid", "invalid") },
  {
    name: "is_complete: an indent for the next line",
    run: async (kernel, cells) => {
      const { status, indent } = await kernel.ask("is_complete_request", { code: cells.indented });
      assert.equal(status, "incomplete");
      assert.match(String(indent), /^ +$/);
    },
  },
  {
    name: "completion of a builtin's member",
    run: async (kernel, cells) => {
      const [typed, wanted] = cells.builtin;
      assert.ok(bare((await complete(kernel, typed)).matches).includes(wanted));
    },
  },
  {
    name: "completion of a name of an earlier cell",
    run: async (kernel, cells) => {
      await kernel.execute(cells.model);
      assert.ok((await complete(kernel, "mode")).matches.includes("model"));
    },
  },
  {
    name: "completion of a member of an earlier cell's object, and its range",
    run: async (kernel, cells) => {
      await kernel.execute(cells.model);
      const { matches, cursor_start, cursor_end } = await complete(kernel, "model.tr");
      assert.ok(bare(matches).includes("train"));
      assert.deepEqual([[6, 0].includes(cursor_start as number), cursor_end], [true, 8]);
    },
  },
  {
    name: "completion counts characters, not UTF-16 units",
    run: async (kernel, cells) => {
      await kernel.execute(cells.model);
      const { matches, cursor_end, cursor_pos } = await complete(kernel, `${cells.emoji}model.tr`);
      assert.ok(bare(matches).includes("train"));
      assert.equal(cursor_end, cursor_pos);
    },
  },
  {
    name: "completion tells types",
    run: async (kernel, cells) => {
      const { metadata } = await complete(kernel, cells.builtin[0]);
      const [first] = (metadata as { _jupyter_types_experimental: Content[] })._jupyter_types_experimental;
      assert.match(String(first?.type), /function|method/);
    },
  },
  {
    name: "inspection of an earlier cell's object",
    run: async (kernel, cells) => {
      await kernel.execute(cells.model);
      const { found, data } = await inspect(kernel, "model.train");
      assert.equal(found, true);
      assert.match((data as Content)["text/plain"] as string, /train/);
    },
  },
  {
    name: "inspection shows documentation",
    run: async (kernel, cells) => {
      await kernel.execute(cells.model);
      const { data } = await inspect(kernel, "model.train", 1);
      assert.match((data as Content)["text/plain"] as string, /Trains the model/);
    },
  },
  {
    name: "inspection of nothing says found: false",
    run: async (kernel) => {
      const { status, found } = await inspect(kernel, "noSuchNameAnywhere");
      assert.deepEqual([status, found], ["ok", false]);
    },
  },
  {
    name: "history: tail with outputs",
    run: async (kernel) => {
      await kernel.execute("2 * 21");
      const { history: entries } = await history(kernel, { hist_access_type: "tail", n: 1, output: true });
      const [, line, cell] = (entries as [number, number, [string, string | null]][])[0] ?? [];
      assert.equal(typeof line, "number");
      assert.deepEqual([cell?.length, cell?.[0]], [2, "2 * 21"]);
    },
  },
  {
    name: "history: range of the present session",
    run: async (kernel) => {
      const { reply } = await kernel.execute("3 * 14");
      const start = reply.execution_count as number;
      const request = { hist_access_type: "range", session: 0, start, stop: start + 1 };
      const { history: entries } = await history(kernel, request);
      assert.deepEqual((entries as unknown[][])[0]?.slice(1), [start, "3 * 14"]);
    },
  },
  {
    name: "history: search with a glob, unique",
    run: async (kernel) => {
      for (let i = 0; i < 2; i++) await kernel.execute("1 + 41");
      const request = { hist_access_type: "search", pattern: "1 ? 4*", unique: true };
      const { history: entries } = await history(kernel, request);
      assert.equal((entries as unknown[]).length, 1);
    },
  },
  {
    name: "history: nothing of a cell with store_history: false",
    run: async (kernel) => {
      await kernel.execute("'secret' + 1", { store_history: false });
      const { history: entries } = await history(kernel, { hist_access_type: "search", pattern: "'secret*" });
      assert.deepEqual(entries, []);
    },
  },
];
