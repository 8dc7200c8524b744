import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { commandFile } from "../../kernel/package.ts";

const cell = (source: string, metadata: object = {}) => ({
  ...{
    cell_type: "code",
    execution_count: 3,
    id: source,
    metadata: { ...metadata, execution: { "shell.execute_reply": "t" } },
  },
  ...{ outputs: [{ name: "stdout", output_type: "stream", text: ["secret\n"] }], source: [source] },
});
const notebook = () => ({
  cells: [cell("a"), cell("b", { tags: ["keep"] }), { cell_type: "markdown", id: "m", metadata: {}, source: ["ü */"] }],
  metadata: { kernelspec: { name: "cirlab" }, widgets: { state: 1 } },
  ...{ nbformat: 4, nbformat_minor: 5 },
});

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "cirlab-strip-"));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

const strip = (cwd: string, args: string[], input?: string) =>
  spawnSync(process.execPath, [commandFile, "strip", ...args], {
    cwd,
    encoding: "utf8",
    ...(input === undefined ? {} : { input }),
  });

test("outputs, counts and traces of runs go; kept cells and all else stay; twice is as once", async (t) => {
  const cwd = await folder(t);
  const { stdout, status } = strip(cwd, [], JSON.stringify(notebook()));
  assert.equal(status, 0);
  const { cells, ...rest } = JSON.parse(stdout) as ReturnType<typeof notebook>;
  assert.deepEqual(cells[0], {
    cell_type: "code",
    execution_count: null,
    id: "a",
    metadata: {},
    outputs: [],
    source: ["a"],
  });
  assert.deepEqual(cells[1], { ...cell("b"), metadata: { tags: ["keep"] } });
  assert.deepEqual(rest, { metadata: notebook().metadata, nbformat: 4, nbformat_minor: 5 });
  assert.equal(strip(cwd, [], stdout).stdout, stdout);
  await writeFile(join(cwd, "x.ipynb"), JSON.stringify(notebook()));
  assert.equal(strip(cwd, ["x.ipynb"]).status, 0);
  assert.equal(await readFile(join(cwd, "x.ipynb"), "utf8"), stdout);
  const other = strip(cwd, [], "<<<<<<< not JSON\n");
  assert.equal(other.stdout, "<<<<<<< not JSON\n");
  assert.match(other.stderr, /passed on as it is/);
});

test("in a git repository commits have no outputs, the files keep them, and installing twice changes nothing", async (t) => {
  const cwd = await folder(t);
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd, encoding: "utf8" });
  assert.match(strip(cwd, ["--install"]).stderr, /no git repository/);
  git("init", "-q");
  await writeFile(join(cwd, ".gitattributes"), "*.png binary");
  assert.equal(strip(cwd, ["--install"]).status, 0);
  assert.equal(strip(cwd, ["--install"]).status, 0);
  assert.equal(await readFile(join(cwd, ".gitattributes"), "utf8"), "*.png binary\n*.ipynb filter=cirlab-strip\n");
  const text = JSON.stringify(notebook());
  await writeFile(join(cwd, "x.ipynb"), text);
  git("add", ".");
  git("commit", "-q", "-m", "first");
  const committed = git("show", "HEAD:x.ipynb");
  assert.equal(committed, strip(cwd, [], text).stdout);
  assert.equal(committed.match(/secret/g)?.length, 1);
  assert.equal(await readFile(join(cwd, "x.ipynb"), "utf8"), text);
  // Another run is no change to commit; another source is.
  await writeFile(
    join(cwd, "x.ipynb"),
    text.replace("secret", "another secret").replace('"execution_count":3', '"execution_count":9'),
  );
  assert.equal(git("diff"), "");
  git("add", ".");
  assert.equal(git("status", "--porcelain"), "");
  await writeFile(join(cwd, "x.ipynb"), text.replace("ü", "ö"));
  assert.match(git("diff"), /^-.*ü/m);
  assert.equal(strip(cwd, ["--uninstall"]).status, 0);
  assert.equal(await readFile(join(cwd, ".gitattributes"), "utf8"), "*.png binary\n");
  git("add", ".");
  assert.match(git("show", ":x.ipynb"), /secret[\s\S]*secret/);
});
