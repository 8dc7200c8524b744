import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type * as Align from "../../server/web/src/documents/align.ts";
import type * as Merge from "../../server/web/src/documents/merge.ts";

/** A module of the page, which is not built on its own. */
async function pageModule<T>(name: string): Promise<T> {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [`${root}/server/web/src/documents/${name}.ts`],
    ...{ bundle: true, write: false, format: "esm" },
  });
  return (await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles![0]!.contents).toString("base64")}`
  )) as T;
}

const { baseOf, merge } = await pageModule<typeof Merge>("merge");
const { alignIds } = await pageModule<typeof Align>("align");

const cell = (id: string, source: string, more: object = {}): Merge.CellJson => ({
  ...{ id, cell_type: "code", source, metadata: {}, outputs: [], execution_count: null },
  ...more,
});
const notebook = (...cells: Merge.CellJson[]): Merge.NotebookJson => ({
  ...{ cells, metadata: { kernelspec: { name: "cirlab" } }, nbformat: 4, nbformat_minor: 5 },
});
const sources = ({ notebook: { cells } }: Merge.Merged): string => cells.map(({ source }) => source).join(" ");
const output = (text: string): object => ({
  outputs: [{ output_type: "stream", name: "stdout", text }],
  execution_count: 1,
});

const [a, b, c] = [cell("a", "a"), cell("b", "b"), cell("c", "c")];
const base = baseOf(notebook(a, b, c));

describe("two versions of a notebook", () => {
  it("keep what each side changed, part by part", () => {
    const mine = notebook({ ...a, source: "a1" }, b, { ...c, source: "c1" });
    const theirs = notebook(a, { ...b, source: "b2" }, { ...c, ...output("ran") });
    const merged = merge(base, mine, theirs);
    assert.equal(sources(merged), "a1 b2 c1");
    assert.deepEqual(merged.notebook.cells[2]!.outputs, theirs.cells[2]!.outputs);
    assert.equal(merged.notebook.cells[2]!.execution_count, 1);
    assert.deepEqual(merged.conflicts, []);
  });

  it("are in conflict only where both changed the same part, in different ways", () => {
    const same = { ...b, source: "same" };
    const mine = notebook({ ...a, source: "mine" }, same, { ...c, ...output("one") });
    const theirs = notebook({ ...a, source: "theirs" }, same, { ...c, ...output("two") });
    const { conflicts, notebook: merged } = merge(base, mine, theirs);
    assert.deepEqual(
      conflicts.map(({ id, parts }) => [id, parts]),
      [
        ["a", ["source"]],
        ["c", ["outputs"]],
      ],
    );
    assert.equal(merged.cells[0]!.source, "mine");
  });

  it("lose no cell: added ones come from both sides, deleted ones only go where nobody changed them", () => {
    const mine = notebook(a, cell("m", "m"), { ...b, source: "b1" });
    const theirs = notebook(cell("t", "t"), a, c);
    assert.equal(sources(merge(base, mine, theirs)), "t a m b1", "c was deleted here, b there but changed here");
    assert.equal(sources(merge(base, notebook(c, a, b), notebook(a, b, cell("t", "t"), c))), "c a b t");
    assert.equal(sources(merge(base, notebook(a, b, c, cell("m", "m")), notebook(c, b, a))), "c m b a");
  });

  it("join their metadata, and do not count what only a page knows", () => {
    const mine = { ...notebook(a, b, c), metadata: { kernelspec: { name: "cirlab" }, mine: 1 } };
    const theirs = { ...notebook({ ...a, metadata: { trusted: true } }, b, c), metadata: { theirs: 2 } };
    const merged = merge(base, mine, theirs);
    assert.deepEqual(merged.notebook.metadata, { mine: 1, theirs: 2 });
    assert.deepEqual(merged.conflicts, []);
  });

  it("give the same whoever joins, and one that is joined with itself stays as it is", () => {
    for (let seed = 1; seed < 300; seed++) {
      let state = seed;
      const random = (below: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const start = Array.from({ length: 6 }, (_, i) => cell(`c${i}`, `s${i}`));
      const common = baseOf(notebook(...start));
      const edited = (side: string) => {
        const cells = start
          .filter(() => random(6) > 0)
          .map((each) => (random(3) ? each : { ...each, source: `${side}${each.id}` }));
        if (random(2)) cells.splice(random(cells.length + 1), 0, cell(`${side}new`, `${side} new`));
        return notebook(...cells);
      };
      const [mine, theirs] = [edited("m"), edited("t")];
      const [one, other] = [merge(common, mine, theirs), merge(common, theirs, mine)];
      const ids = (merged: Merge.Merged): string[] => merged.notebook.cells.map(({ id }) => id).sort();
      assert.deepEqual(ids(one), ids(other));
      const inConflict = new Set(one.conflicts.map(({ id }) => id));
      for (const side of [mine, theirs])
        for (const { id, source } of side.cells) {
          if (source === `s${id.slice(1)}` || inConflict.has(id)) continue;
          assert.equal(one.notebook.cells.find((each) => each.id === id)?.source, source, "every edit is there");
        }
      assert.deepEqual(merge(common, mine, mine).notebook, mine);
      assert.deepEqual(merge(baseOf(mine), mine, theirs).notebook.cells, theirs.cells, "without edits, the file's");
    }
  });
});

describe("a file without cell ids", () => {
  it("gets those of the page's cells with the same code, in order, and of what stands between them", () => {
    const bare = (...texts: string[]) =>
      notebook(...texts.map((text) => ({ ...cell("", text), id: undefined as never })));
    let fresh = 0;
    const aligned = (file: Merge.NotebookJson) =>
      alignIds([a, b, c, cell("d", "b")], file, () => `fresh${fresh++}`).cells.map(({ id }) => id);
    assert.deepEqual(aligned(bare("a", "b changed", "c", "b")), ["a", "b", "c", "d"]);
    assert.deepEqual(aligned(bare("new", "a", "b", "c", "b", "more")), ["fresh0", "a", "b", "c", "d", "fresh1"]);
    assert.deepEqual(aligned(notebook(c, a)), ["c", "a"]);
  });
});
