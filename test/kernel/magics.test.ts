import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { completeMagic, parseMagics, plainCode } from "../../kernel/front/magics.ts";
import { TestKernel } from "./client.ts";

const namesOf = (code: string) => parseMagics(code).lines.map(({ name, args, line }) => [name, args, line]);

describe("parsing of magics", () => {
  test("line magics stand where a statement may begin, with their arguments and line", () => {
    assert.deepEqual(namesOf("%pwd"), [["pwd", "", 0]]);
    assert.deepEqual(namesOf("const a = 1\n// %time f(a)\n\n%who number\n//%pwd"), [
      ["time", "f(a)", 1],
      ["who", "number", 3],
      ["pwd", "", 4],
    ]);
    assert.deepEqual(namesOf("%load it's\nconst x = `a`;\n%pwd"), [
      ["load", "it's", 0],
      ["pwd", "", 2],
    ]);
    assert.deepEqual(namesOf("i++\n%pwd\nlet y = a!\n%who"), [
      ["pwd", "", 1],
      ["who", "", 3],
    ]);
    assert.deepEqual(namesOf("const r = /[`/'\"]/g\n%pwd\nconst h = a / b / c; // it's\n%who"), [
      ["pwd", "", 1],
      ["who", "", 3],
    ]);
    assert.deepEqual(namesOf("%pwd\r\n1\r\n%who\r\n"), [
      ["pwd", "", 0],
      ["who", "", 2],
    ]);
  });

  test("text inside of strings, templates, comments and brackets is left alone", () => {
    for (const code of [
      "const t = `\n%pwd\n!ls\n// %who\n`",
      "const t = `a${`\n%pwd`}\n!ls ${1}\n%who`",
      "/*\n%pwd\n!ls -l\n// %time x\n*/",
      "f(\n%pwd\n)",
      "function g() {\n%pwd\n}",
      "const x = a\n  % b",
      "const x = a *\n%b",
      "const x =\n!flag",
      "'a\\\n%pwd'",
      "a\n% b",
    ]) {
      assert.deepEqual(namesOf(code), [], code);
      assert.equal(parseMagics(code).code, code);
    }
  });

  test("a comment with an unknown name is a comment", () => {
    assert.deepEqual(namesOf("// %done 50\n// % of it\n// %d"), []);
    assert.equal(parseMagics("// %% Title\n1").cell, undefined);
    assert.equal(parseMagics("// %%section\n1").cell, undefined);
  });

  test("a command is no negated value", () => {
    for (const code of [
      "!ls",
      "!ls -la | wc",
      "! npm install x",
      "!./run.sh",
      "!/bin/ls",
      "!git status && date",
      "!node-gyp",
    ])
      assert.equal(namesOf(code)[0]?.[0], "!", code);
    for (const code of [
      "!!x",
      "!(a && b)",
      "!f(x)",
      "!list[0]",
      "!function () {}()",
      "const done = true\n!done",
      "!process.env.X",
      "!/a+/.test(s)",
      "!await ready",
    ])
      assert.deepEqual(namesOf(code), [], code);
    assert.deepEqual(parseMagics("!ready", (name) => name === "ready").lines, []);
  });

  test("cell magics take the cell; the rest is as long as the cell", () => {
    assert.deepEqual(parseMagics("\n%%shout a b\nx\ny").cell, { name: "shout", args: "a b", body: "x\ny" });
    assert.deepEqual(parseMagics("// %%python\n// print(1)\n//   2\n\n").cell, {
      name: "python",
      args: "",
      body: "print(1)\n  2\n\n",
    });
    const timed = parseMagics("%%time\n%pwd\n1");
    assert.equal(timed.cell?.name, "time");
    assert.equal(timed.code, "      \n    \n1");
    assert.deepEqual(
      timed.lines.map(({ line }) => line),
      [1],
    );
    assert.equal(plainCode("%time foo.ba"), "      foo.ba");
    assert.equal(plainCode("%%python\nx"), "        \n ");
  });

  test("completion of names and of the words that a magic takes", () => {
    assert.deepEqual(
      completeMagic("1\n%ch", 5)?.items.map(({ text }) => text),
      ["check"],
    );
    assert.deepEqual(completeMagic("%%p", 3), { start: 2, end: 3, items: [{ text: "python", type: "magic" }] });
    assert.deepEqual(
      completeMagic("// %check ", 10)?.items.map(({ text }) => text),
      ["strict", "warn", "off"],
    );
    assert.equal(completeMagic("a % ch", 6), undefined);
    assert.deepEqual(completeMagic("%%python\n%ch", 12)?.items, []);
    assert.deepEqual(completeMagic("%load fi", 8)?.items, []);
    assert.equal(completeMagic("%time fi", 8), undefined);
  });

  test("a long cell is read in one pass", () => {
    const line = "const value = { text: `a${1}`, list: [1, 2], re: /x/ };\n";
    const long = `${line.repeat(20_000)}%pwd\n`;
    // A pass for each line would take minutes, and this file's time would be over.
    assert.deepEqual(namesOf(long), [["pwd", "", 20_000]]);
    assert.equal(parseMagics(line.repeat(20_000)).lines.length, 0);
  });
});

describe("magics in a kernel", { concurrency: false }, () => {
  let kernel: TestKernel;
  let folder: string;
  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "cirlab-magics-")));
    await mkdir(join(folder, "sub"));
    await writeFile(
      join(folder, "script.ts"),
      "#!/usr/bin/env node\nconst given: string[] = process.argv.slice(2);\nfunction fails(): never {\n  throw new RangeError('deep');\n}\n",
    );
    await writeFile(join(folder, "failing.ts"), "\nconst early = 1;\nfails();\n");
    kernel = await TestKernel.start({ cwd: folder, env: { CIRLAB_SHELL: "1" } });
  });
  after(async () => {
    await kernel.stop();
    await rm(folder, { recursive: true });
  });
  const fails = async (code: string) => {
    const { reply } = await kernel.execute(code);
    assert.equal(reply.status, "error", code);
    return stripVTControlCharacters((reply.traceback as string[]).join("\n"));
  };
  const times = /^CPU times: user [\d.]+ \S+, system [\d.]+ \S+, total [\d.]+ \S+\nWall time: [\d.]+ \S+\n$/;

  test("%time and %%time tell the time and show the result", async () => {
    const cell = await kernel.execute("%%time\nlet total = 0;\nfor (let i = 0; i < 100; i++) total += i;\ntotal");
    assert.equal(cell.result, "4950");
    assert.match(cell.stdout, times);
    const line = await kernel.execute(
      "const base = 2;\n// %time const sum = base + (await Promise.resolve(3))\nsum * 2",
    );
    assert.equal(line.result, "10");
    assert.match(line.stdout, times);
    assert.equal((await kernel.execute("%time sum")).result, "5");
    const failing = kernel.execute("%%time\n\nthrow new Error('late')");
    assert.match((await failing).stdout, times);
    assert.match(await fails("1\n%time 2\n\nthrow new Error('x')"), /> 4 \| throw new Error\('x'\)[\s\S]*cell \d+:4:7/);
    assert.match(await fails("1\n%time missing.one"), /> 2 \| %time missing\.one[\s\S]*part 2:2:7/);
    assert.match(await fails("%time"), /%time needs a statement/);
    const strict = await fails("%check strict\n\nconst wrong: string = 5");
    assert.match(strict, /cell \d+:3:7 - error TS2322/);
    assert.equal((await kernel.execute("%check warn\n%check")).stdout, "warn\n");
  });

  test("%pwd prints the folder", async () => {
    assert.equal((await kernel.execute("%pwd")).stdout, `${folder}\n`);
    assert.equal(
      (await kernel.execute("process.chdir('sub');\n%pwd\nprocess.chdir('..');\n// %pwd")).stdout,
      `${join(folder, "sub")}\n${folder}\n`,
    );
  });

  test("%who lists names with their types and values", async () => {
    await kernel.execute(
      "const answer: number = 42; class Shape {} const square = new Shape(); const f = (x: string) => x;",
    );
    const { stdout } = await kernel.execute("%who");
    assert.match(stdout, /^answer +number +42$/m);
    assert.match(stdout, /^square +Shape +Shape \{\}$/m);
    assert.match(stdout, /^Shape +class +\[class Shape\]$/m);
    assert.match(stdout, /^f +\(x: string\) => string +\[Function: f\]$/m);
    assert.equal((await kernel.execute("%who Shape")).stdout, "square  Shape  Shape {}\n");
    assert.equal((await kernel.execute("%who bigint")).stdout, "No names of type bigint.\n");
  });

  test("%load offers the file's text; %run runs it in the notebook's scope", async () => {
    const { reply } = await kernel.execute("%load failing.ts");
    assert.deepEqual(reply.payload, [
      { source: "set_next_input", text: "\nconst early = 1;\nfails();\n", replace: true },
    ]);
    assert.equal((await kernel.execute("%run script.ts a 'b c'\ngiven")).result, "[ 'a', 'b c' ]");
    const text = await fails("%run failing.ts");
    assert.match(text, /RangeError: deep/);
    assert.ok(text.includes(`at fails (${join(folder, "script.ts")}:4:9)`), text);
    assert.ok(text.includes(`${join(folder, "failing.ts")}:3:1`), text);
    assert.equal((await kernel.execute("early")).result, "1");
    assert.match(await fails("%run none.ts"), /there is no file .*none\.ts/);
    assert.match(await fails("%load data.bin"), /takes a \.ts or \.js file, not "data\.bin"/);
  });

  test("!commands: output as it comes, exit codes fail the cell", async () => {
    const { stdout, stderr } = await kernel.execute("!pwd; echo oops >&2");
    assert.deepEqual([stdout, stderr], [`${folder}\n`, "oops\n"]);
    assert.equal((await kernel.execute("const ready = true;\n!ready")).result, "false");
    assert.equal((await kernel.execute("!ready")).result, "false", "a name of the notebook is no command");
    assert.match(await fails("!exit 3"), /CommandFailed: The command ended with exit code 3: exit 3/);
  });

  test("a command can be interrupted with all that it started", async () => {
    const running = kernel.send("!sleep 1000 & echo $!; sleep 1000");
    const { content } = await running.until((m) => m.header.msg_type === "stream");
    const background = Number(content.text);
    assert.ok(background > 0);
    await kernel.interrupt();
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
    await gone(background);
    assert.equal((await kernel.execute("answer")).result, "42");
  });

  test("%compiler changes the compiler and keeps the values", async () => {
    assert.equal((await kernel.execute("%compiler")).stdout, "typescript\n");
    assert.equal((await kernel.execute("%compiler tslab\nanswer")).result, "42");
    assert.equal((await kernel.execute("%compiler")).stdout, "tslab\n");
    await kernel.execute("%compiler typescript");
    assert.match(await fails("%compiler babel"), /%compiler takes typescript, tslab, not "babel"/);
  });

  test("%reset forgets names and types", async () => {
    assert.equal((await kernel.execute("%reset -f")).reply.status, "ok");
    assert.match(await fails("answer"), /answer is not defined/);
    assert.equal((await kernel.execute("%who")).stdout, "No names yet.\n");
    assert.equal((await kernel.execute("let answer: string = 'new'; answer")).result, "'new'");
  });

  test("completion, inspection and completeness pass over magics", async () => {
    await kernel.execute("const model = { trainable: true };");
    const ask = (code: string) => kernel.ask("complete_request", { code, cursor_pos: code.length });
    assert.deepEqual((await ask("%pwd\n%time model.tr")).matches, ["trainable"]);
    assert.deepEqual((await ask("%%time\n%pwd\nmodel.tr")).matches, ["trainable"]);
    assert.deepEqual((await ask("1\n%lsm")).matches, ["lsmagic"]);
    assert.deepEqual((await ask("%%python\nmod")).matches, []);
    const { data } = await kernel.ask("inspect_request", { code: "%time model", cursor_pos: 8 });
    assert.match(String((data as Record<string, string>)["text/plain"]), /trainable: boolean/);
    const judge = async (code: string) => (await kernel.ask("is_complete_request", { code })).status;
    assert.equal(await judge("%pwd"), "complete");
    assert.equal(await judge("%pwd\nconst x = {"), "incomplete");
    assert.equal(await judge("%%time\nfor (;;) {"), "incomplete");
    assert.equal(await judge("%%python\nfor x in y:"), "unknown");
    assert.equal(await judge("%%python\nprint(1)\n\n"), "complete");
  });

  test("%reset ends the cells of subshells", async () => {
    const { subshell_id } = await kernel.ask("create_subshell_request", {}, "control");
    const message = kernel.client.message("execute_request", {
      code: "await new Promise(() => display('waiting'))",
      silent: false,
      store_history: false,
      user_expressions: {},
      allow_stdin: false,
    });
    Object.assign(message.header, { subshell_id });
    const waiting = kernel.client.ask("shell", message);
    await kernel.until(() => kernel.received.find((m) => m.header.msg_type === "display_data"));
    await kernel.execute("%reset");
    assert.match(String((await waiting).content.evalue), /session process is gone: it was reset/);
    assert.equal((await kernel.execute("1 + 1")).result, "2");
  });

  test("%lsmagic lists them; unknown ones are refused before anything runs", async () => {
    const { stdout } = await kernel.execute("%lsmagic");
    for (const name of ["%time", "%%python", "%reset", "!command"]) assert.ok(stdout.includes(name), name);
    assert.match(
      await fails("(globalThis as any).touched = 1\n%nothing here"),
      /Line 2: there is no %nothing\. Known: %time/,
    );
    assert.equal((await kernel.execute("typeof (globalThis as any).touched")).result, "'undefined'");
  });

  test("what a cell with magics defines and uses is told together", async () => {
    await kernel.execute("const answer = 42;");
    const { reply } = await kernel.execute("const one = answer;\n%pwd\nconst two = one;");
    assert.equal(reply.status, "ok");
    const { metadata } = kernel.received.findLast((m) => m.header.msg_type === "execute_reply")!;
    assert.deepEqual(metadata.cirlab, { defines: ["one", "two"], uses: ["answer"], sets: [], later: [] });
  });

  test("a killed session leaves no command behind", async () => {
    const running = kernel.send("!echo $$; sleep 1000");
    running.done.catch(() => undefined);
    const { content } = await running.until((m) => m.header.msg_type === "stream");
    kernel.process.kill("SIGKILL");
    await gone(Number(content.text));
  });
});

describe("a kernel as it is by default", { concurrency: false }, () => {
  test("refuses !commands with a hint, and runs %%python without an import", async () => {
    const kernel = await TestKernel.start({ env: { CIRLAB_SHELL: "" } });
    try {
      const { reply } = await kernel.execute("(globalThis as any).touched = 1\n!ls -l");
      assert.match(reply.evalue as string, /Line 2: "!" runs a shell command, which is not enabled.*CIRLAB_SHELL=1/);
      assert.equal((await kernel.execute("typeof (globalThis as any).touched")).result, "'undefined'");
      const python = await kernel.execute("// %%python\n// for i in range(2):\n//   print(i)");
      assert.equal(python.stdout, "0\n1\n");
    } finally {
      await kernel.stop();
    }
  });
});

/** Waits until a process has ended. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
