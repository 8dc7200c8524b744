import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { TestKernel } from "./client.ts";

const files: Record<string, string> = {
  "tools.ts":
    'import { unit } from "./unit.js";\nexport const scale = (x: number): string => x * 2 + unit;\nexport function fail(): never {\n  throw new Error("in tools");\n}',
  "unit.ts": 'export const unit: string = "m";',
  "plain.mjs": "export const plain = 'mjs'; export default 1;",
  "old.cjs": "exports.old = 'cjs';",
  "list.json": "[1, 2]",
  "node_modules/modern/package.json": JSON.stringify({
    name: "modern",
    version: "1.0.0",
    type: "module",
    exports: {
      ".": { types: "./main.d.ts", import: "./main.js" },
      "./sub": { types: "./sub.d.ts", import: "./sub.js" },
    },
  }),
  "node_modules/modern/main.js": "export default class Thing { name = 'thing' }",
  "node_modules/modern/main.d.ts": "/** A thing. */\nexport default class Thing { name: string }",
  "node_modules/modern/sub.js": "export const sub = await Promise.resolve('sub');",
  "node_modules/modern/sub.d.ts": "export declare const sub: string;",
  "node_modules/legacy/package.json": JSON.stringify({ name: "legacy", main: "index.js" }),
  "node_modules/legacy/index.js": "module.exports = function legacy() { return 'called' }; module.exports.extra = 2;",
};

describe("the default compiler", { concurrency: false }, () => {
  let kernel: TestKernel;
  let folder: string;
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-compilers-"));
    for (const [path, text] of Object.entries(files)) await write(path, text);
    kernel = await TestKernel.start({ cwd: folder });
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true });
  });
  const run = async (code: string) => {
    const { reply, result } = await kernel.execute(code);
    assert.equal(reply.status, "ok", stripVTControlCharacters(String(reply.traceback)));
    return result;
  };
  /** What the type check says of a cell. */
  const warning = async (code: string) =>
    stripVTControlCharacters((await kernel.execute(code, { allow_stdin: false })).stderr);
  const complete = async (code: string) =>
    (await kernel.ask("complete_request", { code, cursor_pos: code.length })).matches as string[];

  test("modules: exports maps, subpaths, CommonJS, JSON, local files of every kind", async () => {
    assert.equal(await run('import Thing from "modern"; new Thing().name'), "'thing'");
    assert.equal(await run('import { sub } from "modern/sub"; sub'), "'sub'");
    assert.equal(await run('import legacy, { extra } from "legacy"; [legacy(), extra]'), "[ 'called', 2 ]");
    assert.equal(await run('import * as whole from "legacy"; [whole.default(), whole.extra]'), "[ 'called', 2 ]");
    assert.equal(await run('import one, { plain } from "./plain.mjs"; [one, plain]'), "[ 1, 'mjs' ]");
    assert.equal(await run('import { old } from "./old.cjs"; old'), "'cjs'");
    assert.equal(await run('import list from "./list.json" with { type: "json" }; list'), "[ 1, 2 ]");
    assert.equal(await run('const { scale: lazily } = await import("./tools.ts"); lazily(1)'), "'2m'");
    assert.equal(await run('require("node:path").basename("/a/b")'), "'b'");
    assert.match(await warning("const wrong2: number = sub"), /Type 'string' is not assignable to type 'number'/);
  });

  test("a local file that changed is loaded anew, with what it imports", async () => {
    assert.equal(await run('import { scale } from "./tools"; scale(2)'), "'4m'");
    await write("unit.ts", 'export const unit: string = "km";');
    const soon = new Date(Date.now() + 5000);
    await utimes(join(folder, "unit.ts"), soon, soon);
    assert.equal(await run('import { scale } from "./tools"; scale(2)'), "'4km'");
    const { reply } = await kernel.execute('import { fail } from "./tools.ts"; fail()');
    assert.match(stripVTControlCharacters(String(reply.traceback)), /tools\.ts:4:9/);
    await write("unit.ts", "export const unit: string = ;");
    await utimes(join(folder, "unit.ts"), soon, new Date(Date.now() + 9000));
    assert.match(
      String((await kernel.execute('import { scale } from "./tools"')).reply.evalue),
      /unit\.ts:1:29 - Unexpected ";"/,
    );
  });

  test("a type error warns and the cell runs; strict refuses it; off says nothing", async () => {
    const wrong = (name: string) => `1;\nconst ${name}: number = 'text'; ${name}`;
    const warned = await kernel.execute(wrong("w1"), { allow_stdin: false });
    assert.equal(warned.result, "'text'");
    assert.match(
      stripVTControlCharacters(warned.stderr),
      /^cell \d+:2:7 - warning TS2322: Type 'string' is not assignable to type 'number'\.\n {2}2 \| const w1: .*\n {4}\| {7}~~\n$/,
    );
    const interactive = kernel.send(wrong("w2"));
    assert.equal((await interactive.done).result, "'text'");
    const late = await kernel.until(() =>
      kernel.received.find((m) => m.header.msg_type === "stream" && m.parent_header.msg_id === interactive.id),
    );
    assert.match(String(late.content.text), /warning/);
    await run("%check strict");
    const refused = await kernel.execute(wrong("w3"));
    assert.equal(refused.reply.ename, "TypeScriptError");
    assert.match(refused.reply.evalue as string, /^cell \d+:2:7 - Type 'string'/);
    assert.equal((await kernel.execute("typeof w3")).reply.status, "error");
    assert.equal(await run("const fine: number = 1; fine"), "1");
    await run("%check off");
    assert.equal(await warning(wrong("w4")), "");
    await run("%check warn");
    assert.match(await warning(wrong("w5")), /TS2322/);
  });

  test("types follow names through cells, assignments and new declarations", async () => {
    await run("let level: number = 1; const pair = [1, 'a'] as const; function twice(n: number) { return 2 * n }");
    assert.match(await warning("level = 'high'"), /'string' is not assignable to type 'number'/);
    assert.match(await warning("twice('x')"), /Argument of type 'string'/);
    assert.equal(await warning("const first: 1 = pair[0]; twice(first)"), "");
    await run("const twice = 'now a string'");
    assert.equal(await warning("twice.length"), "");
    assert.match(await warning("undeclared + 1"), /Cannot find name 'undeclared'/);
    await kernel.execute("interface Config { rate: number } throw new Error('after the type')");
    assert.match(await warning("const config: Config = {}"), /Property 'rate' is missing/);
  });

  test("completion: members, names of the notebook, keys, unions of strings, paths", async () => {
    await run(
      'import { Lab } from "cirlab"; const options: { device: "cpu" | "webgpu"; seed?: number } = { device: "cpu" }',
    );
    assert.deepEqual(await complete("options.dev"), ["device"]);
    assert.ok((await complete("opti")).includes("options"));
    assert.deepEqual(await complete('options.device = "'), ["cpu", "webgpu"]);
    assert.deepEqual(await complete('options.device = "w'), ["webgpu"]);
    assert.deepEqual(await complete("new Lab({ dev"), ["device"]);
    assert.ok((await complete('new Lab({ device: "')).includes("webgpu"));
    assert.deepEqual(await complete("const copy: typeof options = { see"), ["seed"]);
    assert.deepEqual(await complete('import { x } from "./to'), ["tools"]);
    assert.ok((await complete('import { x } from "mod')).includes("modern"));
    assert.ok((await complete("import { readF")).length === 0);
    const code = 'import { readFileS } from "node:fs"';
    const inside = await kernel.ask("complete_request", { code, cursor_pos: "import { readFileS".length });
    assert.deepEqual(inside.matches, ["readFileSync"]);
    assert.deepEqual([inside.cursor_start, inside.cursor_end], [9, 18]);
    assert.ok((await complete("console.")).includes("log"));
    assert.ok((await complete("Math.ab")).includes("abs"));
  });

  test("inspection: signature, documentation, detail, and the call around the cursor", async () => {
    await run("/** Doubles.\n * @param n what is doubled\n */\nfunction double(n: number): number { return 2 * n }");
    const inspect = async (code: string, detail_level = 0) =>
      (await kernel.ask("inspect_request", { code, cursor_pos: code.length, detail_level })) as {
        found: boolean;
        data: Record<string, string>;
      };
    const { data } = await inspect("double");
    assert.equal(data["text/plain"], "function double(n: number): number\n\nDoubles.\n\n- `n` what is doubled");
    assert.match(
      data["text/html"]!,
      /<pre><code>function double\(n: number\): number<\/code><\/pre><p>Doubles\.<\/p><ul><li><code>n<\/code>/,
    );
    assert.match((await inspect("double", 1)).data["text/plain"]!, /return 2 \* n/);
    assert.match((await inspect("double(")).data["text/plain"]!, /^double\(n: number\): number[\s\S]*what is doubled/);
    assert.equal((await inspect("nothingLikeThis")).found, false);
  });

  test("a reply tells what the cell defines and uses", async () => {
    await run("const base = 1; const unused = 2");
    const message = kernel.client.message("execute_request", {
      code: "const next = base + Math.sqrt(4); console.log(next)",
    });
    const { metadata } = await kernel.client.ask("shell", message);
    assert.deepEqual(metadata.cirlab, { defines: ["next"], uses: ["base"], sets: [], later: [] });
  });

  test("JSX where the folder's tsconfig.json says how", async () => {
    await write(
      "tsconfig.json",
      '{\n  // comments are usual here\n  "compilerOptions": { "jsx": "react", "jsxFactory": "h", },\n}',
    );
    const other = await TestKernel.start({ cwd: folder });
    try {
      const { result, reply } = await other.execute(
        'const h = (tag: string, props: unknown, ...inner: unknown[]) => ({ tag, props, inner }); <b id="x">hi</b>',
      );
      assert.equal(result, "{ tag: 'b', props: { id: 'x' }, inner: [ 'hi' ] }", String(reply.evalue));
    } finally {
      await other.stop();
      await rm(join(folder, "tsconfig.json"));
    }
  });
});

describe("subshells", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  test("a cell of a subshell runs while the main shell's awaits, with the same names", async () => {
    const { subshell_id: id } = await kernel.ask("create_subshell_request", {}, "control");
    assert.deepEqual((await kernel.ask("list_subshell_request", {}, "control")).subshell_id, [id]);
    let finished = false;
    const main = kernel.send(
      "let release!: (value: string) => void; const waited = await new Promise<string>((resolve) => { release = resolve }); waited",
    );
    const ended = main.done.then((execution) => {
      finished = true;
      return execution;
    });
    await main.until((m) => m.header.msg_type === "execute_input");
    const ask = async (code: string) => {
      const message = kernel.client.message("execute_request", { code });
      message.header.subshell_id = id as string;
      return (await kernel.client.ask("shell", message)).content;
    };
    // The main cell may not have come to its await yet.
    while ((await ask("release('from the subshell')")).status !== "ok") assert.equal(finished, false);
    assert.equal((await ended).result, "'from the subshell'");
    assert.equal((await kernel.ask("delete_subshell_request", { subshell_id: id }, "control")).status, "ok");
    assert.deepEqual((await kernel.ask("list_subshell_request", {}, "control")).subshell_id, []);
    assert.equal((await ask("1")).status, "error");
    assert.equal((await kernel.ask("delete_subshell_request", { subshell_id: "none" }, "control")).status, "error");
  });
});

describe("tslab's compiler", { concurrency: false }, () => {
  test("is chosen by the environment, refuses type errors, and hands its values over", async () => {
    const kernel = await TestKernel.start({ env: { CIRLAB_COMPILER: "tslab" } });
    try {
      const refused = await kernel.execute("const a: number = 'x';\nmissing();");
      assert.equal(refused.reply.ename, "TypeScriptError");
      assert.match(refused.reply.evalue as string, /^cell 1:1:7 - Type 'string' is not assignable/);
      assert.equal((await kernel.execute("let kept = 20;")).reply.status, "ok");
      assert.equal(
        (await kernel.execute("async function later(x: number) { await null; return x + kept }")).reply.status,
        "ok",
      );
      assert.equal((await kernel.execute("await later(1)")).result, "21");
      assert.equal(
        (
          await kernel.execute(
            'import { display } from "tslab"; display.text("shown"); for await (const n of [1]) console.log(n)',
          )
        ).stdout,
        "1\n",
      );
      assert.equal((await kernel.execute("%compiler typescript")).reply.status, "ok");
      assert.equal((await kernel.execute("kept = 30; await later(1)")).result, "31");
      const { stderr } = await kernel.execute("const fresh: number = kept", { allow_stdin: false });
      assert.equal(stderr, "");
      assert.equal((await kernel.execute("%compiler tslab")).reply.status, "ok");
      assert.equal((await kernel.execute("fresh + kept")).result, "60");
    } finally {
      await kernel.stop();
    }
  });
});
