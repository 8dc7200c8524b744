import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ownKernelSpec } from "../../kernel/specs/index.ts";
import { TestKernel } from "../kernel/client.ts";

type Content = Record<string, unknown>;

/**
 * What VS Code's Jupyter extension sends to a raw kernel, as far as it is known from its documentation and its use of
 * @jupyterlab/services: it starts the kernelspec's command itself, interrupts by message because the kernelspec says so,
 * runs hidden code silently, gives up completions that it no longer wants without a word, and restarts by ending the
 * process and starting another.
 */
describe("the sequence of VS Code's Jupyter extension", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  const cell = { silent: false, stop_on_error: false, allow_stdin: true, store_history: true };
  const hidden = { silent: true, stop_on_error: false, allow_stdin: true, store_history: false };

  test("the kernelspec asks for interrupts by message", () => {
    assert.equal(ownKernelSpec().interrupt_mode, "message");
    assert.equal(ownKernelSpec().language, "typescript");
  });

  test("connection: kernel_info and comm_info at the same time", async () => {
    const [info, comms] = await Promise.all([
      kernel.ask("kernel_info_request", {}),
      kernel.ask("comm_info_request", { target_name: "jupyter.widget" }),
    ]);
    assert.equal(info.status, "ok");
    assert.deepEqual(comms, { status: "ok", comms: {} });
  });

  test("hidden code: its result in user_expressions, its output, no number, no history", async () => {
    const { reply, messages, stdout } = await kernel.execute("console.log('hidden')", {
      ...hidden,
      user_expressions: { cwd: "process.cwd()" },
    });
    assert.equal(reply.status, "ok");
    assert.equal((reply.user_expressions as Record<string, Content>).cwd!.status, "ok");
    assert.equal(stdout, "hidden\n");
    assert.ok(!messages.some((m) => m.header.msg_type === "execute_input"));
    const { history } = await kernel.ask("history_request", {
      hist_access_type: "tail",
      n: 5,
      output: false,
      raw: true,
    });
    assert.deepEqual(history, []);
  });

  test("all cells at once, with the cells' identities; a failing one does not stop the others", async () => {
    const metadata = (cellId: string) => ({ cellId, trusted: true, deletedCells: [], recordTiming: true });
    const cells = ["const a = 20", "throw new Error('x')", "2 * a + 2"].map((code, i) =>
      kernel.send(code, cell, metadata(`vscode-notebook-cell:/n.ipynb#W${i}`)),
    );
    const [first, second, third] = await Promise.all(cells.map((running) => running.done));
    assert.deepEqual(
      [first!.reply.status, second!.reply.status, third!.reply.status, third!.result],
      ["ok", "error", "ok", "42"],
    );
    assert.deepEqual(
      [first, second, third].map((done) => done!.reply.execution_count),
      [1, 2, 3],
    );
  });

  test("completions and hovers while typing: those that nobody waits for do not hold up the last", async () => {
    for (const code of ["M", "Ma", "Mat", "Math", "Math."]) {
      const message = kernel.client.message("complete_request", { code, cursor_pos: code.length });
      void kernel.client.send("shell", message);
    }
    const { matches } = await kernel.ask("complete_request", { code: "Math.hy", cursor_pos: 7 });
    assert.deepEqual(matches, ["hypot"]);
    const inspected = await kernel.ask("inspect_request", { code: "Math.hypot", cursor_pos: 10, detail_level: 0 });
    assert.equal(inspected.found, true);
  });

  test("interrupt: the running cell ends, and so do those that wait", async () => {
    const running = kernel.send("console.log('busy'); while (true) {}", { ...cell, stop_on_error: true });
    const waiting = kernel.send("1", cell);
    await running.until((m) => m.header.msg_type === "stream");
    assert.deepEqual(await kernel.interrupt(), { status: "ok" });
    assert.equal((await running.done).reply.ename, "KernelInterrupt");
    assert.equal((await waiting.done).reply.status, "aborted");
  });

  test("input box", async () => {
    const stop = kernel.client.onMessage((message) => {
      if (message.header.msg_type === "input_request")
        void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "typed", status: "ok" }));
    });
    assert.equal((await kernel.execute("await input('? ')", cell)).result, "'typed'");
    stop();
  });

  test("restart: shutdown with restart on control, then a new process", async () => {
    const reply = await kernel.ask("shutdown_request", { restart: true }, "control");
    assert.deepEqual(reply, { status: "ok", restart: true });
    assert.equal(await kernel.exited, 0);
    await kernel.stop();
    kernel = await TestKernel.start();
    assert.equal((await kernel.execute("a", cell)).reply.status, "error");
  });
});
