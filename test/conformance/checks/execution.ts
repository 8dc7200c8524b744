import assert from "node:assert/strict";
import { type Check, need, value } from "./check.ts";

type Content = Record<string, unknown>;
const types = (messages: { header: { msg_type: string } }[]) => messages.map((m) => m.header.msg_type);
const ok = { allow_stdin: true };

export const execution: Check[] = [
  {
    name: "execute_input carries the code and the count",
    run: async (kernel, cells) => {
      const { messages, reply } = await kernel.execute(cells.print("x"));
      const [input] = messages;
      assert.equal(input?.header.msg_type, "execute_input");
      assert.equal(input.content.code, cells.print("x"));
      assert.equal(input.content.execution_count, reply.execution_count);
    },
  },
  {
    name: "execute_result has text, metadata and the count",
    run: async (kernel) => {
      const { messages, reply } = await kernel.execute("6 * 7");
      const result = messages.find((m) => m.header.msg_type === "execute_result")?.content;
      assert.deepEqual(result, {
        data: { "text/plain": "42" },
        metadata: {},
        execution_count: reply.execution_count,
      });
    },
  },
  {
    name: "an ok reply has status, execution_count, user_expressions and payload",
    run: async (kernel) => {
      const { reply } = await kernel.execute("1");
      assert.equal(reply.status, "ok");
      assert.equal(typeof reply.execution_count, "number");
      assert.deepEqual(reply.user_expressions, {});
      assert.deepEqual(reply.payload ?? [], []);
    },
  },
  {
    name: "status busy comes first and idle last",
    run: async (kernel, cells) => {
      const running = kernel.send(`${cells.print("x")}`);
      await running.done;
      const kinds = running.messages.map((m) => m.content.execution_state ?? m.header.msg_type);
      assert.deepEqual([kinds[0], kinds.at(-1)], ["busy", "idle"]);
      assert.equal(kinds.filter((kind) => kind === "busy" || kind === "idle").length, 2);
    },
  },
  {
    name: "standard output",
    run: async (kernel, cells) =>
      assert.equal((await kernel.execute(cells.print("hello, world"))).stdout, "hello, world\n"),
  },
  {
    name: "standard error",
    run: async (kernel, cells) => assert.equal((await kernel.execute(cells.warn("oops"))).stderr, "oops\n"),
  },
  {
    name: "both streams keep their order",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute([cells.print("a"), cells.warn("b"), cells.print("c")].join("\n"));
      const streams = messages.filter((m) => m.header.msg_type === "stream");
      assert.deepEqual(
        streams.map((m) => [m.content.name, m.content.text]),
        [
          ["stdout", "a\n"],
          ["stderr", "b\n"],
          ["stdout", "c\n"],
        ],
      );
    },
  },
  {
    name: "an error is broadcast with name, value and traceback",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(cells.raise);
      const error = messages.find((m) => m.header.msg_type === "error")?.content;
      assert.equal(error?.ename, cells.raised);
      assert.equal(error.evalue, "on purpose");
      assert.ok((error.traceback as string[]).length > 0);
    },
  },
  {
    name: "the error reply says the same",
    run: async (kernel, cells) => {
      const { reply } = await kernel.execute(cells.raise);
      assert.deepEqual([reply.status, reply.ename, reply.evalue], ["error", cells.raised, "on purpose"]);
    },
  },
  {
    name: "the traceback names the cell's own line",
    run: async (kernel, cells) => {
      const { reply } = await kernel.execute(cells.raise);
      assert.match((reply.traceback as string[]).join("\n").replace(/\u001b\[[\d;]*m/g, ""), cells.raisedLine);
    },
  },
  {
    name: "a silent cell neither counts nor tells",
    run: async (kernel) => {
      const first = await kernel.execute("1");
      const silent = await kernel.execute("2", { silent: true, store_history: false });
      assert.deepEqual(types(silent.messages), []);
      const next = await kernel.execute("3");
      assert.equal(next.reply.execution_count, (first.reply.execution_count as number) + 1);
    },
  },
  {
    name: "user expressions: values",
    run: async (kernel, cells) => {
      const { reply } = await kernel.execute(cells.keep, { user_expressions: { next: cells.kept } });
      const { next } = reply.user_expressions as Record<string, Content>;
      assert.equal((next?.data as Content | undefined)?.["text/plain"], "42");
      assert.equal(next?.status, "ok");
    },
  },
  {
    name: "user expressions: errors stay in their place",
    run: async (kernel, cells) => {
      const { reply } = await kernel.execute("1", { user_expressions: { bad: cells.badExpression } });
      assert.equal(reply.status, "ok");
      const { bad } = reply.user_expressions as Record<string, Content>;
      assert.equal(bad?.status, "error");
      assert.ok(bad.ename);
    },
  },
  {
    name: "an error aborts the cells that wait",
    run: async (kernel, cells) => {
      const [failing, waiting] = await kernel.sendTogether([cells.raise, cells.print("no")], cells.input ?? cells.wait);
      assert.equal((await failing!.done).reply.status, "error");
      const { reply, stdout } = await waiting!.done;
      assert.deepEqual([reply.status, stdout], ["aborted", ""]);
    },
  },
  {
    name: "a cell that is sent after an error's reply runs",
    run: async (kernel, cells) => {
      await kernel.execute(cells.raise);
      assert.equal(value(await kernel.execute("6 * 7")), "42");
    },
  },
  {
    name: "stop_on_error: false lets the waiting cells run",
    run: async (kernel, cells) => {
      const failing = kernel.send(cells.raise, { stop_on_error: false });
      const waiting = kernel.send(cells.print("yes"));
      await failing.done;
      assert.equal((await waiting.done).stdout, "yes\n");
    },
  },
  {
    name: "top-level await",
    run: async (kernel, cells) => assert.equal(value(await kernel.execute(cells.topAwait)), "42"),
  },
  {
    name: "state is kept and a name may be declared again with another type",
    run: async (kernel, cells) => {
      await kernel.execute(cells.keep);
      assert.equal(value(await kernel.execute(cells.kept)), "42");
      assert.equal(value(await kernel.execute(cells.redeclare)), "4");
    },
  },
  {
    name: "functions see later assignments",
    run: async (kernel, cells) => {
      await kernel.execute(cells.closure[0]);
      assert.equal(value(await kernel.execute(cells.closure[1])), "5");
    },
  },
  {
    name: "an object shows itself as HTML",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.htmlResult));
      const result = messages.find((m) => m.header.msg_type === "execute_result");
      assert.equal((result?.content.data as Content | undefined)?.["text/html"], "<b>x</b>");
    },
  },
  {
    name: "display_data with metadata and a display id",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.display));
      const shown = messages.find((m) => m.header.msg_type === "display_data")?.content;
      assert.equal((shown?.data as Content | undefined)?.["text/html"], "<b>x</b>");
      assert.ok((shown?.transient as Content | undefined)?.display_id);
      assert.match(JSON.stringify(shown?.metadata), /"a":1/);
    },
  },
  {
    name: "update_display_data reaches the same display id",
    run: async (kernel, cells) => {
      const { messages: before } = await kernel.execute(need(cells.display));
      const shown = before.find((m) => m.header.msg_type === "display_data")?.content;
      const { messages } = await kernel.execute(need(cells.update));
      const updated = messages.find((m) => m.header.msg_type === "update_display_data")?.content;
      assert.equal((updated?.data as Content | undefined)?.["text/html"], "<b>y</b>");
      assert.equal(
        (updated?.transient as Content | undefined)?.display_id,
        (shown?.transient as Content | undefined)?.display_id,
      );
    },
  },
  {
    name: "clear_output with wait",
    run: async (kernel, cells) => {
      const { messages } = await kernel.execute(need(cells.clear));
      assert.deepEqual(messages.find((m) => m.header.msg_type === "clear_output")?.content, { wait: true });
    },
  },
  {
    name: "input over stdin",
    run: async (kernel, cells) => {
      const code = need(cells.input);
      const stop = kernel.client.onMessage((message) => {
        if (message.header.msg_type !== "input_request") return;
        if (message.content.prompt === "name? " && message.content.password === false)
          void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "Ada" }));
      });
      assert.equal(value(await kernel.execute(code, ok)), "3");
      stop();
    },
  },
  {
    name: "a password over stdin",
    run: async (kernel, cells) => {
      const code = need(cells.password);
      const stop = kernel.client.onMessage((message) => {
        if (message.header.msg_type === "input_request" && message.content.password === true)
          void kernel.client.send("stdin", kernel.client.message("input_reply", { value: "Ada" }));
      });
      assert.equal(value(await kernel.execute(code, ok)), "3");
      stop();
    },
  },
  {
    name: "input where the page takes none is an error",
    run: async (kernel, cells) => {
      const { reply } = await kernel.execute(need(cells.input), { allow_stdin: false });
      assert.equal(reply.status, "error");
    },
  },
];
