import assert from "node:assert/strict";
import { chmod, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startServer, type TestServer } from "./server.ts";

interface Cell {
  id: string;
  cell_type: string;
  source: string;
  metadata: object;
  outputs?: unknown[];
  execution_count?: number | null;
}

const output = (text: string) => ({ output_type: "stream", name: "stdout", text });
const code = (id: string, source: string): Cell => ({
  ...{ id, cell_type: "code", source, metadata: { collapsed: true } },
  ...{ outputs: [output(`${id}\n`)], execution_count: 1 },
});
const paired = (...cells: Cell[]) => ({
  ...{ cells, nbformat: 4, nbformat_minor: 5 },
  metadata: { jupytext: { formats: "ipynb,ts:percent" }, kernelspec: { name: "cirlab", display_name: "T" } },
});

class Pair {
  readonly #server: TestServer;
  constructor(server: TestServer) {
    this.#server = server;
  }
  file = (name: string) => join(this.#server.root, name);
  script = () => readFile(this.file("n.ts"), "utf8");
  async save(notebook: object, path = "n.ipynb", status = 201): Promise<void> {
    const body = { type: "notebook", format: "json", content: notebook };
    const response = await this.#server.api("PUT", `/api/contents/${path}`, body);
    assert.ok(response.status === 200 || response.status === status, await response.text());
  }
  async open(path = "n.ipynb"): Promise<Cell[]> {
    const response = await this.#server.api("GET", `/api/contents/${path}?type=notebook`);
    return ((await response.json()) as { content: { cells: Cell[] } }).content.cells;
  }
  async rename(from: string, path: string): Promise<void> {
    assert.equal((await this.#server.api("PATCH", `/api/contents/${from}`, { path })).status, 200);
  }
  async state(): Promise<string> {
    return ((await (await this.#server.api("GET", "/api/pairing/n.ipynb")).json()) as { state: string }).state;
  }
  async take(take: string): Promise<void> {
    assert.equal((await this.#server.api("POST", "/api/pairing/n.ipynb", { take })).status, 204);
  }
  /** Edits the script as another program does, `seconds` after (before) the notebook was written. */
  async edit(change: (text: string) => string, seconds: number): Promise<void> {
    await writeFile(this.file("n.ts"), change(await this.script()));
    const at = (await stat(this.file("n.ipynb"))).mtimeMs / 1000 + seconds;
    await utimes(this.file("n.ts"), at, at);
  }
}

const prepare = async (t: TestContext) => new Pair(await startServer(t));
const sources = (cells: Cell[]) => cells.map(({ source }) => source);

test("saving writes both; the script's edits are taken at the next opening, unchanged cells keep their outputs", async (t) => {
  const pair = await prepare(t);
  await pair.save(paired(code("a", "let a = 1;"), code("b", "a + 1"), code("c", "a + 2")));
  assert.match(await pair.script(), /\n\/\/ %%\nlet a = 1;\n\n\/\/ %%\na \+ 1\n/);
  assert.equal(await pair.state(), "same");
  await pair.edit(
    (text) => text.replace("a + 1", "a + 10").replace("// %%\na + 2", "// %% [markdown]\n// New\n\n// %%\na + 2"),
    5,
  );
  assert.equal(await pair.state(), "script");
  const cells = await pair.open();
  assert.deepEqual(sources(cells), ["let a = 1;", "a + 10", "New", "a + 2"]);
  assert.deepEqual(
    cells.map(({ id, outputs }) => [id, outputs?.length]),
    [
      ["a", 1],
      ["b", 0],
      [cells[2]!.id, undefined],
      ["c", 1],
    ],
  );
  assert.equal(await pair.state(), "same");
  await pair.save(paired(...cells));
  assert.match(await readFile(pair.file("n.ipynb"), "utf8"), /a \+ 10/);
  assert.match(await pair.script(), /\/\/ %% \[markdown\]\n\/\/ New\n/);
});

test("an edited script is no conflict with a notebook that was saved since with other outputs alone", async (t) => {
  const pair = await prepare(t);
  await pair.save(paired(code("a", "let a = 1;")));
  await pair.edit((text) => text.replace("a = 1", "a = 2"), -5);
  await pair.save(paired({ ...code("a", "let a = 1;"), outputs: [output("later\n")] }));
  assert.equal(await pair.state(), "script");
  const cells = await pair.open();
  assert.deepEqual(sources(cells), ["let a = 2;"]);
  await pair.save(paired(...cells));
  assert.equal(await pair.state(), "same");
});

test("moved cells keep their outputs, and an unpaired notebook has no script", async (t) => {
  const pair = await prepare(t);
  await pair.save(paired(code("a", "1"), code("b", "2"), code("c", "3")));
  await pair.edit((text) => `${text.slice(0, text.indexOf("// %%"))}// %%\n3\n\n// %%\n1\n`, 5);
  const cells = await pair.open();
  assert.deepEqual(
    cells.map(({ id, outputs }) => [id, outputs!.length]),
    [
      ["c", 1],
      ["a", 1],
    ],
  );
  await pair.save({ ...paired(code("a", "1")), metadata: {} }, "other.ipynb");
  await assert.rejects(stat(pair.file("other.ts")));
});

for (const winner of ["script", "notebook"] as const)
  test(`both changed: neither is lost until somebody takes the ${winner}`, async (t) => {
    const pair = await prepare(t);
    await pair.save(paired(code("a", "first")));
    await pair.open();
    await pair.edit((text) => text.replace("first", "edited elsewhere"), 5);
    await pair.save(paired(code("a", "edited here")));
    assert.match(await pair.script(), /edited elsewhere/);
    assert.match(await readFile(pair.file("n.ipynb"), "utf8"), /edited here/);
    await pair.edit((text) => text, -5);
    assert.equal(await pair.state(), "conflict");
    // Saving again does not decide it.
    await pair.save(paired(code("a", "edited here")));
    assert.match(await pair.script(), /edited elsewhere/);
    await pair.take(winner);
    assert.equal(await pair.state(), "same");
    const won = winner === "script" ? "edited elsewhere" : "edited here";
    assert.deepEqual(sources(await pair.open()), [won]);
    assert.match(await pair.script(), new RegExp(won));
    const checkpoint = winner === "script" ? "n-checkpoint.ipynb" : "n-checkpoint.ts";
    const lost = winner === "script" ? /edited here/ : /edited elsewhere/;
    assert.match(await readFile(pair.file(join(".ipynb_checkpoints", checkpoint)), "utf8"), lost);
  });

test("a crash between the two writes: the newer script is read; a save that fails leaves both as they were", async (t) => {
  const pair = await prepare(t);
  await pair.save(paired(code("a", "before")));
  const old = await pair.script();
  await chmod(pair.file("n.ipynb"), 0o444);
  await assert.rejects(pair.save(paired(code("a", "after"))));
  assert.equal(await pair.script(), old);
  await chmod(pair.file("n.ipynb"), 0o644);
  // As if the server had been killed after the script was renamed.
  await pair.edit((text) => text.replace("before", "after"), 0.5);
  assert.deepEqual(sources(await pair.open()), ["after"]);
});

test("the script follows its renamed notebook, and takes no other file's place", async (t) => {
  const pair = await prepare(t);
  await pair.save(paired(code("a", "1")));
  const text = await pair.script();
  await pair.rename("n.ipynb", "m.ipynb");
  assert.equal(await readFile(pair.file("m.ts"), "utf8"), text);
  await assert.rejects(stat(pair.file("n.ts")));
  await writeFile(pair.file("k.ts"), "const mine = 1;");
  await pair.rename("m.ipynb", "k.ipynb");
  assert.equal(await readFile(pair.file("k.ts"), "utf8"), "const mine = 1;");
  await stat(pair.file("m.ts"));
});

test("a script opens and saves as a notebook of its own", async (t) => {
  const pair = await prepare(t);
  await mkdir(pair.file("sub"));
  await writeFile(pair.file("sub/s.ts"), "// %% [markdown]\n// # Hi\n\n// %%\nconst x: number = 1;\n");
  const cells = await pair.open("sub/s.ts");
  assert.deepEqual(
    cells.map(({ cell_type, source }) => [cell_type, source]),
    [
      ["markdown", "# Hi"],
      ["code", "const x: number = 1;"],
    ],
  );
  cells[1]!.source = "const x = 2;";
  await pair.save({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, "sub/s.ts");
  assert.match(
    await readFile(pair.file("sub/s.ts"), "utf8"),
    /\/\/ %% \[markdown\]\n\/\/ # Hi\n\n\/\/ %%\nconst x = 2;\n$/,
  );
});
