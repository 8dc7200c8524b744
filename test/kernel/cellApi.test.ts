import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../kernel/package.ts";
import type { TestKernel } from "./client.ts";
import { api, cellsOf, data, displayId, ofType, startWithApi } from "./shown.ts";

describe("progress and input", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await startWithApi();
  });
  after(() => kernel.stop());
  const { run, text } = cellsOf(() => kernel);

  test("progress of nested loops is one output and one line, and its last state is shown", async () => {
    const done = await run(`
for (const epoch of progress([1, 2], { label: "epochs" }))
  for await (const batch of progress((async function* () { yield 1; yield 2; })(), { label: "batches", total: 2, unit: "b" })) {}`);
    const [first] = ofType(done, "display_data");
    const updates = ofType(done, "update_display_data");
    assert.equal(ofType(done, "display_data").length, 1);
    assert.ok(updates.every((m) => displayId(m) === displayId(first)));
    const last = data(updates.at(-1));
    assert.match(String(last["text/plain"]), /^epochs .*2\/2 · .*in [\d.]+ m?s │ batches .*2\/2 b · .*in [\d.]+ m?s$/);
    assert.match(String(last["text/html"]), /<b>epochs<\/b>.*2\/2.*<b>batches<\/b>.*2\/2/);
  });

  test("ten thousand steps are a few updates; a loop that is left shows where it was", async () => {
    const done = await run(`
let taken = 0;
for (const x of progress(Array.from({ length: 10_000 }, (_, i) => i))) taken = x;
for (const x of progress([1, 2, 3, 4])) if (x === 3) break;
const bar = progress({ total: 10 }, { label: "by hand" });
bar.advance(); bar.set(4, { text: "loss 0.1" }); bar.done();`);
    const last = new Map(
      done.messages.filter((m) => displayId(m)).map((m) => [displayId(m), String(data(m)["text/plain"])]),
    );
    const [whole, left, hand] = [...last.values()];
    assert.match(whole!, /10,000\/10,000 · .*\/s · in /);
    assert.match(left!, /2\/4 · .*in /);
    assert.match(hand!, /^by hand .*4\/10 · .*in .* · loss 0\.1$/);
    assert.ok(done.messages.length < 60, `${done.messages.length} messages`);
    const { reply } = await kernel.execute("progress(5 as any)");
    assert.match(String(reply.evalue), /Write progress\(\{ total: 5 \}\)/);
  });

  test("a loop with progress is interrupted, and its bar stays where it was", async () => {
    const running = kernel.send(
      "let turns = 0; for (const x of progress([1, 2, 3])) { turns++; display('in'); await new Promise(() => {}); }",
    );
    await running.until((m) => m.header.msg_type === "display_data" && data(m)["text/plain"] === "'in'");
    await kernel.interrupt();
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
    assert.equal(await text("turns"), "1");
    const next = await run("for (const x of progress([1], { label: 'next' })) {}");
    assert.match(String(data(ofType(next, "update_display_data").at(-1))["text/plain"]), /^next /);
  });

  test("input and passwords", async () => {
    const asked: unknown[] = [];
    const stop = kernel.client.onMessage((message) => {
      if (message.header.msg_type !== "input_request") return;
      asked.push(message.content);
      void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "secret" }));
    });
    assert.equal(
      await text(`[await input("who? "), await input("key: ", { password: true })]`),
      "[ 'secret', 'secret' ]",
    );
    stop();
    assert.deepEqual(asked, [
      { prompt: "who? ", password: false },
      { prompt: "key: ", password: true },
    ]);
  });
});

describe("cirlab/kernel without a notebook", () => {
  /** Runs a module of this package in a plain Node process. */
  async function plain(code: string, stdin = ""): Promise<{ stdout: string; stderr: string; code: number | null }> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", `${api}\n${code}`], { cwd: packageRoot });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    child.stdin.end(stdin);
    const exit = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { ...output, code: exit };
  }

  test("values, updates and charts are printed as text; progress is one line", async () => {
    const { stdout, stderr, code } = await plain(`
const handle = display([{ a: 1 }]);
handle.update({ b: 2 });
updateDisplay(handle.displayId, 3);
clearOutput(true);
display.html("<p>text</p>");
await display.vegalite({ title: "C", mark: "point", data: { values: [] } }).ready;
let sum = 0;
for (const x of progress([1, 2, 3], { label: "loop" })) for (const y of progress([1, 2])) sum += x * y;
display(sum);`);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "[ { a: 1 } ]\n{ b: 2 }\n3\ntext\n(chart: C)\n18\n");
    assert.match(stderr, /^loop .*3\/3 · .*in [^\n]* │ .*2\/2[^\n]*\n$/);
  });

  test("questions read one line each from standard input; its end is an error", async () => {
    const { stdout, code } = await plain(
      `
const answers = await Promise.all([input("name? "), input("key? ", { password: true })]);
console.log(answers);
await input("more? ").catch((error) => console.log(error.code));`,
      "Ada\nsecret\n",
    );
    assert.equal(code, 0);
    assert.equal(stdout, "name? key? [ 'Ada', 'secret' ]\nmore? end-of-input\n");
  });

  test("a process that has asked ends although its input stays open", async () => {
    const child = spawn(
      process.execPath,
      ["--input-type=module", "--eval", `${api} console.log("got", await input("? "));`],
      { cwd: packageRoot, stdio: ["pipe", "pipe", "inherit"] },
    );
    child.stdin.write("one\ntwo\n");
    assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
    child.stdin.destroy();
  });

  test("channels to a page are refused", async () => {
    const { stdout } = await plain(`try { openComm("x") } catch (error) { console.log(error.code, error.message) }`);
    assert.match(stdout, /^no-notebook Channels need the page of a notebook\./);
  });
});
