import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestKernel } from "../../kernel/client.ts";
import { atWork, type Check, need, value } from "./check.ts";

type Content = Record<string, unknown>;

const started = async (kernel: TestKernel, code: string) => {
  const running = kernel.send(code);
  await atWork(running);
  return running;
};

const info = (channel: "shell" | "control"): Check["run"] => {
  return async (kernel) => {
    const content = await kernel.ask("kernel_info_request", {}, channel);
    assert.equal(content.status, "ok");
    assert.match(content.protocol_version as string, /^5\.\d/);
    for (const name of ["implementation", "implementation_version", "banner"]) assert.ok(content[name], name);
    const language = content.language_info as Content;
    for (const name of ["name", "version", "mimetype", "file_extension"]) assert.ok(language[name], name);
  };
};

export const transport: Check[] = [
  { name: "kernel_info on shell, complete", run: info("shell") },
  { name: "kernel_info on control", run: info("control") },
  {
    name: "a new subscriber is welcomed (protocol 5.4)",
    run: async (kernel) => {
      await kernel.until(() => kernel.received.find((m) => m.header.msg_type === "iopub_welcome"));
    },
  },
  { name: "heartbeat", run: async (kernel) => assert.ok(await kernel.client.ping(1000)) },
  {
    name: "a request that is not to execute is busy and idle, too",
    run: async (kernel) => {
      const message = kernel.client.message("kernel_info_request", {});
      await kernel.client.ask("shell", message);
      const of = (state: string) => () =>
        kernel.received.find(
          (m) => m.content.execution_state === state && m.parent_header.msg_id === message.header.msg_id,
        );
      await kernel.until(of("busy"));
      await kernel.until(of("idle"));
    },
  },
  {
    name: "heartbeat while a cell computes",
    alone: true,
    run: async (kernel, cells) => {
      await started(kernel, cells.spin);
      assert.ok(await kernel.client.ping(1000));
    },
  },
  {
    name: "control while a cell computes",
    alone: true,
    run: async (kernel, cells) => {
      await started(kernel, cells.spin);
      assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
    },
  },
  {
    name: "completion while a cell computes",
    alone: true,
    run: async (kernel, cells) => {
      await started(kernel, cells.spin);
      const [code] = cells.builtin;
      const { matches } = await kernel.ask("complete_request", { code, cursor_pos: code.length });
      assert.ok((matches as string[]).length > 0);
    },
  },
  {
    name: "output appears while synchronous code runs",
    alone: true,
    run: async (kernel, cells) => {
      await kernel.send(cells.spin).until((m) => m.header.msg_type === "stream");
    },
  },
  {
    name: "10,000 prints arrive whole, in order, before idle",
    alone: true,
    run: async (kernel, cells) => {
      const { stdout } = await kernel.execute(cells.printMany(10_000));
      assert.equal(stdout.replaceAll("\r\n", "\n"), `${Array.from({ length: 10_000 }, (_, i) => i).join("\n")}\n`);
    },
  },
  {
    name: "20 MB of output arrive before idle",
    alone: true,
    run: async (kernel, cells) => {
      const { stdout } = await kernel.execute(cells.printMuch(20));
      assert.equal(stdout.length, 20 * (2 ** 20 + 1));
    },
  },
  {
    name: "late output belongs to the cell that caused it",
    run: async (kernel, cells) => {
      const early = kernel.send(cells.late);
      await early.done;
      const later = kernel.send(cells.wait);
      const message = await kernel.until(() =>
        kernel.received.find((m) => m.header.msg_type === "stream" && m.content.text === "late\n"),
      );
      await later.done;
      assert.equal(message.parent_header.msg_id, early.id);
    },
  },
  {
    name: "a comm that a cell opens, with buffers",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.comm));
      const open = messages.find((m) => m.header.msg_type === "comm_open");
      const sent = messages.find((m) => m.header.msg_type === "comm_msg");
      assert.equal(open?.content.target_name, "slider");
      assert.deepEqual(sent?.content.data, { value: 2 });
      assert.deepEqual([...(sent?.buffers[0] ?? [])], [7, 8]);
    },
  },
  {
    name: "a comm message of the page reaches the cell's comm, and back",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.comm));
      const { comm_id } = messages.find((m) => m.header.msg_type === "comm_open")!.content;
      const message = kernel.client.message("comm_msg", { comm_id, data: 5 }, { buffers: [Buffer.from([9])] });
      await kernel.client.send("shell", message);
      const answer = await kernel.until(() =>
        kernel.received.find((m) => m.header.msg_type === "comm_msg" && (m.content.data as Content).echo === 5),
      );
      assert.deepEqual([...(answer.buffers[0] ?? [])], [9]);
    },
  },
  {
    name: "comm_info lists what is open",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.comm));
      const { comm_id } = messages.find((m) => m.header.msg_type === "comm_open")!.content;
      const { comms } = await kernel.ask("comm_info_request", { target_name: "slider" });
      assert.deepEqual((comms as Record<string, unknown>)[comm_id as string], { target_name: "slider" });
    },
  },
  {
    name: "a comm that the page opens to a registered target",
    run: async (kernel, cells) => {
      await kernel.execute(need(cells.commTarget));
      const message = kernel.client.message("comm_open", { comm_id: "page-1", target_name: "echo", data: { a: 1 } });
      await kernel.client.send("shell", message);
      const answer = await kernel.until(() =>
        kernel.received.find((m) => m.header.msg_type === "comm_msg" && m.content.comm_id === "page-1"),
      );
      assert.deepEqual(answer.content.data, { echo: { a: 1 } });
    },
  },
  {
    name: "a comm to an unknown target is closed",
    run: async (kernel) => {
      const message = kernel.client.message("comm_open", { comm_id: "page-2", target_name: "nobody", data: {} });
      await kernel.client.send("shell", message);
      await kernel.until(() =>
        kernel.received.find((m) => m.header.msg_type === "comm_close" && m.content.comm_id === "page-2"),
      );
    },
  },
  {
    name: "a wrongly signed message is ignored",
    alone: true,
    run: async (kernel, cells) => {
      const connection = kernel.client.connection as { key: string };
      const { key } = connection;
      connection.key = "wrong";
      await kernel.client.send("shell", kernel.client.message("execute_request", { code: cells.print("forged") }));
      connection.key = key;
      assert.equal(value(await kernel.execute("6 * 7")), "42");
      assert.ok(!kernel.received.some((m) => m.content.text === "forged\n"));
    },
  },
  {
    name: "an unknown message is ignored",
    run: async (kernel) => {
      await kernel.client.send("shell", kernel.client.message("no_such_request", {}));
      assert.equal(value(await kernel.execute("6 * 7")), "42");
    },
  },
  {
    name: "a malformed execute_request is survived",
    alone: true,
    run: async (kernel) => {
      await kernel.client.send("shell", kernel.client.message("execute_request", { code: 5 }));
      assert.equal(value(await kernel.execute("6 * 7")), "42");
    },
  },
  {
    name: "a cell that ends its process: the kernel answers afterwards",
    alone: true,
    run: async (kernel, cells) => {
      void kernel.execute(cells.exit).catch(() => undefined);
      assert.equal((await kernel.execute("6 * 7", { stop_on_error: false })).reply.status !== undefined, true);
      assert.equal(value(await kernel.execute("6 * 7")), "42");
    },
  },
  {
    name: "subshells: created, listed, they run beside a busy cell, deleted",
    alone: true,
    run: async (kernel, cells) => {
      const { subshell_id } = await kernel.ask("create_subshell_request", {}, "control");
      assert.equal(typeof subshell_id, "string");
      kernel.send(cells.topAwait.includes("Promise") ? "await new Promise(() => {})" : cells.wait);
      const message = kernel.client.message("execute_request", { code: "6 * 7", silent: false });
      message.header.subshell_id = subshell_id as string;
      assert.equal((await kernel.client.ask("shell", message)).content.status, "ok");
      assert.deepEqual((await kernel.ask("list_subshell_request", {}, "control")).subshell_id, [subshell_id]);
      assert.equal((await kernel.ask("delete_subshell_request", { subshell_id }, "control")).status, "ok");
    },
  },
  {
    name: "debugger: the Debug Adapter Protocol answers on control",
    alone: true,
    run: async (kernel) => {
      const request = { type: "request", seq: 1, command: "debugInfo", arguments: {} };
      const answer = await kernel.ask("debug_request", request, "control");
      assert.equal(answer.success, true);
      assert.equal(typeof (answer.body as Content).isStarted, "boolean");
    },
  },
  {
    name: "shutdown_request ends the process",
    alone: true,
    run: async (kernel) => {
      const exit = once(kernel.process, "exit");
      assert.equal((await kernel.ask("shutdown_request", { restart: false }, "control")).status, "ok");
      await exit;
    },
  },
];
