import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createMessage, encodeMessage } from "../../kernel/protocol/index.ts";
import { TestKernel } from "./client.ts";

type Content = Record<string, unknown>;

describe("protocol", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
  });
  after(() => kernel.stop());

  const types = (messages: { header: { msg_type: string } }[]) => messages.map((m) => m.header.msg_type);

  test("kernel_info on shell and on control", async () => {
    for (const channel of ["shell", "control"] as const) {
      const info = await kernel.ask("kernel_info_request", {}, channel);
      assert.equal(info.status, "ok");
      assert.equal(info.protocol_version, "5.4");
      assert.equal((info.language_info as Content).name, "typescript");
      assert.equal((info.language_info as Content).file_extension, ".ts");
    }
  });

  test("a new subscriber is welcomed", () => {
    assert.ok(kernel.received.some((m) => m.header.msg_type === "iopub_welcome"));
  });

  test("messages of an execution and their order", async () => {
    const running = kernel.send(
      "console.log('out'); console.error('err'); display({ 'text/html': '<b>x</b>' }); 6 * 7",
    );
    const { messages, result, reply } = await running.done;
    assert.deepEqual(types(messages), ["execute_input", "stream", "stream", "display_data", "execute_result"]);
    assert.equal(result, "42");
    assert.equal(reply.status, "ok");
    assert.equal(reply.execution_count, messages[0]!.content.execution_count);
    assert.deepEqual(
      running.messages.filter((m) => m.header.msg_type === "status").map((m) => m.content.execution_state),
      ["busy", "idle"],
    );
  });

  test("silent cells neither count nor broadcast their input and result", async () => {
    const first = await kernel.execute("1");
    const silent = await kernel.execute("2", { silent: true });
    assert.deepEqual(types(silent.messages), []);
    const second = await kernel.execute("3");
    assert.equal(second.reply.execution_count, (first.reply.execution_count as number) + 1);
  });

  test("user expressions, good and bad", async () => {
    const { reply } = await kernel.execute("const base = 20;", {
      user_expressions: { twice: "base * 2", bad: "missing" },
    });
    const { twice, bad } = reply.user_expressions as Record<string, Content>;
    assert.deepEqual(twice, { status: "ok", data: { "text/plain": "40" }, metadata: {} });
    assert.equal(bad!.status, "error");
  });

  test("an error aborts what waits, unless stop_on_error is false", async () => {
    const [failing, waiting] = await kernel.sendTogether(["throw new RangeError('no')", "1"]);
    assert.equal((await failing!.done).reply.ename, "RangeError");
    assert.equal((await waiting!.done).reply.status, "aborted");
    const tolerant = kernel.send("throw new Error('no')", { stop_on_error: false });
    const next = kernel.send("1");
    assert.equal((await tolerant.done).reply.status, "error");
    assert.equal((await next.done).reply.status, "ok");
  });

  test("10,000 prints arrive whole and in order", async () => {
    const { stdout, messages } = await kernel.execute("for (let i = 0; i < 10_000; i++) console.log(i)");
    assert.equal(stdout, `${Array.from({ length: 10_000 }, (_, i) => i).join("\n")}\n`);
    assert.ok(messages.length < 200, `${messages.length} messages`);
  });

  test("20 MB of output arrive", async () => {
    const { stdout } = await kernel.execute("for (let i = 0; i < 20; i++) console.log('x'.repeat(2 ** 20))");
    assert.equal(stdout.length, 20 * (2 ** 20 + 1));
  });

  test("output appears while synchronous code runs", async () => {
    const running = kernel.send("console.log('before'); while (true) {}");
    await running.until((m) => m.header.msg_type === "stream");
    await kernel.interrupt();
    await running.done;
  });

  test("late output belongs to the cell that caused it", async () => {
    const early = kernel.send(
      "let fire = () => {}; new Promise<void>((r) => (fire = r)).then(() => console.log('late'));",
    );
    await early.done;
    const late = kernel.until(() =>
      kernel.received.find((m) => m.header.msg_type === "stream" && m.content.text === "late\n"),
    );
    const { stdout } = await kernel.execute("fire(); await new Promise((r) => setTimeout(r, 1))");
    assert.equal((await late).parent_header.msg_id, early.id);
    assert.equal(stdout, "");
  });

  test("display_data, update_display_data and clear_output", async () => {
    const { messages } = await kernel.execute(`
const host = (globalThis as any)[Symbol.for("Jupyter.host")];
host.display({ "text/plain": "1" }, { displayId: "d1", metadata: { a: 1 } });
host.update("d1", { "text/plain": "2" });
host.clear(true);
display({ "image/png": new Uint8Array([1, 2, 3]) });`);
    const [shown, updated, cleared, binary] = messages.slice(1);
    assert.deepEqual(shown!.content, {
      data: { "text/plain": "1" },
      metadata: { a: 1 },
      transient: { display_id: "d1" },
    });
    assert.equal(updated!.header.msg_type, "update_display_data");
    assert.deepEqual(updated!.content.transient, { display_id: "d1" });
    assert.deepEqual(cleared!.content, { wait: true });
    assert.deepEqual(binary!.content.data, { "image/png": "AQID" });
  });

  test("objects show themselves, synchronously or not", async () => {
    const shown = async (code: string) =>
      (await kernel.execute(code)).messages.find((m) => m.header.msg_type === "execute_result")?.content.data;
    assert.deepEqual(await shown(`({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<i>a</i>" }) })`), {
      "text/html": "<i>a</i>",
    });
    assert.deepEqual(await shown(`({ async [Symbol.for("Jupyter.display")]() { return { "text/plain": "b" } } })`), {
      "text/plain": "b",
    });
    assert.deepEqual(await shown("({ a: [1, 2], b: 'x' })"), { "text/plain": "{ a: [ 1, 2 ], b: 'x' }" });
    assert.equal(await shown("undefined"), undefined);
    assert.equal(await shown("let x = 1; x = 2"), undefined);
  });

  test("the identity of the cell reaches the host", async () => {
    const { result } = await kernel.execute(
      `(globalThis as any)[Symbol.for("Jupyter.host")].cellId()`,
      {},
      { cellId: "abc-1" },
    );
    assert.equal(result, "'abc-1'");
  });

  test("input comes over stdin; a front end without stdin is an error", async () => {
    const answered = kernel.client.onMessage((message) => {
      if (message.header.msg_type !== "input_request") return;
      assert.deepEqual(message.content, { prompt: "name? ", password: true });
      void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "Ada" }));
    });
    const { result } = await kernel.execute("const name = await input('name? ', { password: true }); name.length");
    answered();
    assert.equal(result, "3");
    const asking = kernel.send("await input('lost? ')");
    await kernel.until(() => kernel.received.find(({ content }) => content.prompt === "lost? "));
    await kernel.interrupt();
    assert.equal((await asking.done).reply.status, "error");
    const again = kernel.client.onMessage((message) => {
      if (message.header.msg_type !== "input_request") return;
      void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "found" }));
    });
    assert.equal(
      (await kernel.execute("await input('again? ')")).result,
      "'found'",
      "the answer is to the new question",
    );
    again();
    const refused = await kernel.execute("await input()", { allow_stdin: false });
    assert.match(refused.reply.evalue as string, /does not take input/);
  });

  test("is_complete gives all four answers", async () => {
    const answers = {
      "const a = 1": "complete",
      "function f() {": "incomplete",
      "`open": "incomplete",
      "f(1,": "incomplete",
      "const = 3": "invalid",
      "}": "invalid",
      "%%python\nprint(1)": "unknown",
    };
    for (const [code, status] of Object.entries(answers)) {
      assert.equal((await kernel.ask("is_complete_request", { code })).status, status, code);
    }
    assert.equal((await kernel.ask("is_complete_request", { code: "if (x) {\n  g(() => {" })).indent, "    ");
  });

  test("history: tail, range and search", async () => {
    for (const code of ["const h1 = 'alpha'", "h1 + 'beta'", "const h1 = 'alpha'"]) await kernel.execute(code);
    const { history: tail } = await kernel.ask("history_request", { hist_access_type: "tail", n: 2, output: true });
    assert.deepEqual(
      (tail as unknown[][]).map((entry) => entry[2]),
      [
        ["h1 + 'beta'", "'alphabeta'"],
        ["const h1 = 'alpha'", null],
      ],
    );
    const line = (tail as number[][])[0]![1]!;
    const range = { hist_access_type: "range", session: 0, start: line, stop: line + 1, output: false };
    assert.deepEqual((await kernel.ask("history_request", range)).history, [[1, line, "h1 + 'beta'"]]);
    const search = { hist_access_type: "search", pattern: "const h?*alpha*", unique: true };
    assert.deepEqual((await kernel.ask("history_request", search)).history, [[1, line + 1, "const h1 = 'alpha'"]]);
  });

  test("comms in both directions, with buffers", async () => {
    const { messages } = await kernel.execute(`
const jupyter = (globalThis as any)[Symbol.for("Jupyter.host")];
const comm = jupyter.openComm("slider", { value: 1 });
comm.send({ value: 2 }, [new Uint8Array([7, 8])]);
comm.onMessage((data: any, buffers: Uint8Array[]) => { console.log(data.value, [...buffers[0]!]); comm.send({ ok: true }); });
comm.onClose(() => console.log("closed"));`);
    const [open, sent] = messages.slice(1);
    assert.equal(open!.header.msg_type, "comm_open");
    assert.equal(open!.content.target_name, "slider");
    assert.deepEqual(sent!.content.data, { value: 2 });
    assert.deepEqual([...sent!.buffers[0]!], [7, 8]);
    const comm_id = open!.content.comm_id as string;
    const { comms } = await kernel.ask("comm_info_request", {});
    assert.deepEqual(comms, { [comm_id]: { target_name: "slider" } });

    const fromPage = kernel.client.message(
      "comm_msg",
      { comm_id, data: { value: 3 } },
      { buffers: [Buffer.from([9])] },
    );
    await kernel.client.send("shell", fromPage);
    const answer = await kernel.until(() =>
      kernel.received.find((m) => m.header.msg_type === "stream" && m.parent_header.msg_id === fromPage.header.msg_id),
    );
    assert.equal(answer.content.text, "3 [ 9 ]\n");

    await kernel.client.send("shell", kernel.client.message("comm_close", { comm_id, data: {} }));
    await kernel.until(() => kernel.received.some((m) => m.content.text === "closed\n"));
    assert.deepEqual((await kernel.ask("comm_info_request", {})).comms, {});
  });

  test("a comm that the page opens: a registered target takes it, an unknown one is closed", async () => {
    await kernel.execute(
      `(globalThis as any)[Symbol.for("Jupyter.host")].registerTarget("echo", (c: any, data: any) => c.send({ echo: data }))`,
    );
    const open = (target_name: string, comm_id: string) =>
      kernel.client.send("shell", kernel.client.message("comm_open", { comm_id, target_name, data: 5 }));
    await open("echo", "page-1");
    const answer = await kernel.until(() =>
      kernel.received.find((m) => m.header.msg_type === "comm_msg" && m.content.comm_id === "page-1"),
    );
    assert.deepEqual(answer.content.data, { echo: 5 });
    await open("nobody", "page-2");
    await kernel.until(() =>
      kernel.received.some((m) => m.header.msg_type === "comm_close" && m.content.comm_id === "page-2"),
    );
  });

  test("heartbeat, control, completion and inspection answer while a cell computes", async () => {
    await kernel.execute("/** Doubles a number. */ function double(x: number) { return 2 * x; }");
    const running = kernel.send("console.log('busy'); while (true) {}");
    await running.until((m) => m.header.msg_type === "stream");
    assert.ok(await kernel.client.ping());
    assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
    assert.deepEqual((await kernel.ask("complete_request", { code: "doub", cursor_pos: 4 })).matches, ["double"]);
    const inspected = await kernel.ask("inspect_request", { code: "double", cursor_pos: 3, detail_level: 0 });
    assert.match(
      (inspected.data as Content)["text/plain"] as string,
      /double\(x: number\): number[\s\S]*Doubles a number/,
    );
    // The last status is the kernel's for every client: it must say busy while the cell runs.
    const last = kernel.received.findLast((m) => m.header.msg_type === "status");
    assert.equal(last?.content.execution_state, "busy");
    await kernel.interrupt();
    await running.done;
  });

  test("completion counts characters, not UTF-16 units, and tells types", async () => {
    const code = "const s = '😀😀'; Math.sq";
    const reply = await kernel.ask("complete_request", { code, cursor_pos: [...code].length });
    assert.deepEqual(reply.matches, ["sqrt", "SQRT1_2", "SQRT2"]);
    assert.equal(reply.cursor_start, [...code].length - 2);
    const [first] = (reply.metadata as { _jupyter_types_experimental: Content[] })._jupyter_types_experimental;
    assert.equal(first!.text, "sqrt");
    assert.equal(first!.type, "method");
  });

  test("wrongly signed, malformed and unknown messages are passed over", async () => {
    const client = kernel.client as unknown as { connection: { key: string } };
    const real = client.connection.key;
    client.connection.key = "wrong";
    await kernel.client.send("shell", kernel.client.message("execute_request", { code: "globalThis.hacked = true" }));
    client.connection.key = real;
    await kernel.client.send("shell", kernel.client.message("no_such_request", {}));
    const malformed = await kernel.client.request("shell", "execute_request", { code: 5 });
    assert.equal(malformed.content.status, "error");
    assert.equal((await kernel.execute("typeof (globalThis as any).hacked")).result, "'undefined'");
  });

  test("the signature is that of the specification", () => {
    const message = createMessage("x", {}, { session: "s" });
    const frames = encodeMessage(message, { key: "secret", signature_scheme: "hmac-sha256" });
    assert.equal(frames.length, 6);
    assert.match(Buffer.from(frames[1]!).toString(), /^[0-9a-f]{64}$/);
  });

  test("a session that dies is replaced and the user is told", async () => {
    await kernel.execute("let lost = 1");
    const { reply, messages } = await kernel.execute(
      "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})",
    );
    assert.equal(reply.ename, "SessionDied");
    assert.ok(types(messages).includes("error"));
    assert.match((await kernel.execute("lost")).reply.evalue as string, /lost is not defined/);
    assert.equal((await kernel.execute("const lost = 2; lost")).result, "2");
  });

  test("shutdown ends the process and its session", async () => {
    const other = await TestKernel.start();
    const { result } = await other.execute("process.pid");
    const reply = await other.ask("shutdown_request", { restart: true }, "control");
    assert.deepEqual(reply, { status: "ok", restart: true });
    assert.equal(await other.exited, 0);
    assert.throws(() => process.kill(Number(result), 0), { code: "ESRCH" });
    await other.stop();
  });

  test("killing the front leaves no orphan", async () => {
    const other = await TestKernel.start();
    const running = other.send("console.log(process.pid); while (true) {}");
    const printed = await running.until((m) => m.header.msg_type === "stream");
    const pid = Number(printed.content.text);
    other.process.kill("SIGKILL");
    await other.exited;
    for (;;) {
      try {
        process.kill(pid, 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      } catch {
        break;
      }
    }
    running.done.catch(() => undefined);
    await other.stop();
  });
});
