import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { PageConfig } from "@jupyterlab/coreutils";
import {
  type Event,
  EventManager,
  type Kernel,
  KernelManager,
  KernelMessage,
  KernelSpecManager,
  type Session,
  SessionManager,
  TerminalManager,
} from "@jupyterlab/services";
import WebSocket from "ws";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";

// The client of JupyterLab and Notebook, as they use it, on what runs on a server: kernels, sessions, terminals.
PageConfig.setOption("terminalsAvailable", "true");
const server = await startServer({ after });
const { settings: serverSettings } = server;
const kernels = new KernelManager({ serverSettings, standby: "never" });
const sessions = new SessionManager({ serverSettings, kernelManager: kernels, standby: "never" });
server.before(() => {
  sessions.dispose();
  kernels.dispose();
});
const shared = await kernels.startNew({ name: "cirlab" });
await shared.info;

/** What a cell sent, by kind, and its reply. */
async function run(
  code: string,
  options: Partial<KernelMessage.IExecuteRequestMsg["content"]> = {},
  kernel: Kernel.IKernelConnection = shared,
): Promise<{ sent: KernelMessage.IIOPubMessage[]; reply: KernelMessage.IExecuteReplyMsg; kinds: string[] }> {
  const sent: KernelMessage.IIOPubMessage[] = [];
  const future = kernel.requestExecute({ code, ...options });
  future.onIOPub = (message) => void sent.push(message);
  const reply = await future.done;
  return { sent, reply, kinds: sent.map(({ header }) => header.msg_type) };
}

const content = (messages: KernelMessage.IIOPubMessage[], kind: string): Record<string, unknown> =>
  messages.find(({ header }) => header.msg_type === kind)?.content as unknown as Record<string, unknown>;

describe("kernels", () => {
  it("answer a request with the messages of the protocol, in order", async () => {
    const { kinds, sent, reply } = await run("console.log('out'); console.error('err'); 6 * 7");
    assert.deepEqual(kinds, ["status", "execute_input", "stream", "stream", "execute_result", "status"]);
    assert.equal(reply.content.status, "ok");
    const { data } = content(sent, "execute_result") as { data: Record<string, string> };
    assert.equal(data["text/plain"], "42");
    const failed = await run("throw new RangeError('too far')");
    assert.deepEqual(content(failed.sent, "error").ename, "RangeError");
    assert.equal(failed.reply.content.status, "error");
    assert.deepEqual((await run("1", { silent: true })).kinds, ["status", "status"]);
  });

  it("complete, inspect, tell their history and whether code is whole", async () => {
    await run("const apple = { seeds: 5 };");
    const completed = (await shared.requestComplete({ code: "apple.se", cursor_pos: 8 })).content;
    assert.ok(completed.status === "ok" && completed.matches.some((match) => match.includes("seeds")));
    const inspected = (await shared.requestInspect({ code: "apple", cursor_pos: 3, detail_level: 0 })).content;
    assert.ok(inspected.status === "ok" && inspected.found);
    const history = (await shared.requestHistory({ hist_access_type: "tail", n: 1, output: false, raw: true })).content;
    assert.ok(history.status === "ok" && history.history.length === 1);
    assert.equal((await shared.requestIsComplete({ code: "if (1) {" })).content.status, "incomplete");
    assert.equal((await shared.requestKernelInfo())?.content.status, "ok");
    const comms = (await shared.requestCommInfo({ target_name: "none" })).content;
    assert.deepEqual(comms.status === "ok" && comms.comms, {});
  });

  it("ask for input, and get it", async () => {
    const future = shared.requestExecute({ code: `await input("who? ")`, allow_stdin: true });
    const asked: string[] = [];
    let result = "";
    future.onStdin = (message) => {
      if (!KernelMessage.isInputRequestMsg(message)) return;
      asked.push(message.content.prompt);
      shared.sendInputReply({ status: "ok", value: "me" }, message.header as never);
    };
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === "execute_result") result = JSON.stringify(content);
    };
    assert.equal((await future.done).content.status, "ok");
    assert.deepEqual(asked, ["who? "]);
    assert.match(result, /me/);
  });

  it("update a display in place, also from another cell", async () => {
    let updates: unknown[] = [];
    shared.iopubMessage.connect((_, { header, content }) => {
      if (header.msg_type === "update_display_data") updates.push((content as { data: unknown }).data);
    });
    const { sent } = await run(`const { display } = await import("cirlab/kernel"); const shown = display("one");`);
    assert.deepEqual(content(sent, "display_data").data, { "text/plain": "'one'" });
    updates = [];
    await run(`shown.update("two")`);
    await until(() => updates.length);
    assert.deepEqual(updates, [{ "text/plain": "'two'" }]);
  });

  it("open comms both ways, with binary buffers", async () => {
    await run(`const { openComm, registerTarget } = await import("cirlab/kernel");
registerTarget("echo", (comm) => comm.onMessage((data, buffers) => comm.send({ back: data }, buffers)));`);
    const comm = shared.createComm("echo");
    const answers: { data: unknown; bytes: number[] }[] = [];
    comm.onMsg = ({ content, buffers }) =>
      void answers.push({
        data: content.data,
        bytes: (buffers as DataView[]).map((view) => view.getUint8(view.byteLength - 1)),
      });
    comm.open({});
    await comm.send({ x: 1 }, {}, [Uint8Array.of(1, 2, 3).buffer]).done;
    await until(() => answers.length);
    assert.deepEqual(answers, [{ data: { back: { x: 1 } }, bytes: [3] }]);
    comm.close();

    const opened = new Promise<unknown>((resolve) => {
      shared.registerCommTarget("viewer", (_, { content }) => resolve(content.data));
    });
    await run(`openComm("viewer", { rows: 2 })`);
    assert.deepEqual(await opened, { rows: 2 });
  });

  it("stop the cells that wait behind an error, and run those that do not ask for it", async () => {
    const futures = [
      shared.requestExecute({ code: "await input(''); throw new Error('x')", stop_on_error: true, allow_stdin: true }),
      shared.requestExecute({ code: "1", stop_on_error: true }),
    ];
    futures[0]!.onStdin = ({ header }) => void shared.sendInputReply({ status: "ok", value: "" }, header as never);
    const [first, second] = await Promise.all(futures.map(async (future) => (await future.done).content.status));
    assert.equal(first, "error");
    assert.equal(second, "aborted");
    assert.equal((await run("2")).reply.content.status, "ok");
  });

  it("speak the old form of the websocket alike, buffers and all", async () => {
    const url = `${server.url.replace("http", "ws")}/api/kernels/${shared.id}/channels?token=${server.token}`;
    const socket = new WebSocket(url);
    server.before(() => socket.terminate());
    await new Promise((resolve) => socket.once("open", resolve));
    assert.equal(socket.protocol, "");
    const buffered = new Promise<Buffer>((resolve) => {
      socket.on("message", (data: Buffer, isBinary) => {
        if (isBinary) resolve(data);
      });
    });
    await run(`openComm("viewer", { rows: 3 }, { buffers: [new Uint8Array([9, 8])] })`);
    const frame = await buffered;
    const [parts, start, end] = [0, 4, 8].map((at) => frame.readUInt32BE(at)) as [number, number, number];
    assert.equal(parts, 2);
    const message = JSON.parse(frame.subarray(start, end).toString()) as {
      channel: string;
      content: { data: unknown };
    };
    assert.equal(message.channel, "iopub");
    assert.deepEqual(message.content.data, { rows: 3 });
    assert.deepEqual([...frame.subarray(end)], [9, 8]);
  });

  it("are listed, found and ended by any client", async () => {
    const kernel = await kernels.startNew({ name: "cirlab" });
    const other = new KernelManager({ serverSettings, standby: "never" });
    await other.ready;
    assert.ok([...other.running()].some(({ id }) => id === kernel.id));
    assert.equal((await other.findById(kernel.id))?.name, "cirlab");
    assert.equal(await other.findById("none"), undefined);
    let isDead = false;
    kernel.statusChanged.connect((_, status) => {
      isDead ||= status === "dead";
    });
    await other.shutdown(kernel.id);
    await kernels.refreshRunning();
    await until(() => isDead);
    other.dispose();
    await assert.rejects(kernels.startNew({ name: "no-such-kernel" }), /not available/);
  });
});

describe("events of kernels", () => {
  it("tell what was done with them, and what failed", async (t) => {
    const events = new EventManager({ serverSettings, standby: "never" });
    t.after(() => events.dispose());
    const heard: Event.Emission[] = [];
    events.stream.connect((_, event) => heard.push(event));
    const schema_id = "https://events.jupyter.org/jupyter_server/contents_service/v1";
    await until(async () => {
      await events.emit({ schema_id, version: "1", data: { action: "get", path: "probe" } });
      return heard.length > 0;
    });
    const kernel = await kernels.startNew({ name: "cirlab" });
    await kernel.info;
    await kernel.interrupt();
    await kernel.restart();
    await kernel.shutdown();
    await assert.rejects(kernels.startNew({ name: "none" }));
    const told = heard.filter((event) => event.schema_id.includes("kernel_actions"));
    assert.deepEqual(
      told.map(({ action, status, kernel_name }) => [action, status, kernel_name]),
      [
        ["start", "success", "cirlab"],
        ["interrupt", "success", "cirlab"],
        ["restart", "success", "cirlab"],
        ["shutdown", "success", "cirlab"],
        ["start", "error", "none"],
      ],
    );
    assert.ok(
      told.slice(0, 4).every(({ kernel_id, msg }) => kernel_id === kernel.id && String(msg).includes(kernel.id)),
    );
    assert.equal(told[4]!.status_code, 501);
  });
});

describe("sessions", () => {
  it("belong to a document, are renamed, change their kernel, and end", async () => {
    const options = { path: "s.ipynb", name: "s", type: "notebook", kernel: { name: "cirlab" } };
    const session = await sessions.startNew(options);
    assert.equal((await sessions.findByPath("s.ipynb"))?.id, session.id);
    await session.setName("other");
    await session.setType("console");
    await session.setPath("t.ipynb");
    const model = (await (await server.api("GET", `/api/sessions/${session.id}`)).json()) as Session.IModel;
    assert.deepEqual([model.path, model.name, model.type], ["t.ipynb", "other", "console"]);
    await session.changeKernel({ id: shared.id });
    assert.equal(session.kernel?.id, shared.id);
    let isDisposed = false;
    session.disposed.connect(() => {
      isDisposed = true;
    });
    assert.equal((await server.api("DELETE", `/api/kernels/${shared.id}`)).status, 204);
    await sessions.refreshRunning();
    await until(() => isDisposed);
    assert.equal((await server.api("GET", `/api/sessions/${model.id}`)).status, 404);
    assert.equal((await server.api("POST", "/api/sessions", { type: "notebook" })).status, 400);
    assert.equal((await server.api("PATCH", "/api/sessions/none", { path: "x" })).status, 404);
  });
});

describe("kernelspecs and terminals", () => {
  it("lists what is installed, ours first", async (t) => {
    const specs = new KernelSpecManager({ serverSettings, standby: "never" });
    t.after(() => specs.dispose());
    await specs.ready;
    assert.equal(specs.specs?.default, "cirlab");
    assert.equal(Object.keys(specs.specs?.kernelspecs ?? {})[0], "cirlab");
  });

  it("opens a shell that its page loses, finds again and ends", async (t) => {
    const terminals = new TerminalManager({ serverSettings, standby: "never" });
    t.after(() => terminals.dispose());
    const terminal = await terminals.startNew();
    let shown = "";
    const hear = (_: unknown, { type, content }: { type: string; content?: unknown[] }): void => {
      if (type === "stdout") shown += String(content?.[0]);
    };
    terminal.messageReceived.connect(hear);
    terminal.send({ type: "stdin", content: ["echo te''st\r"] });
    await until(() => shown.includes("test\r\n"));
    shown = "";
    await terminal.reconnect();
    await until(() => shown.includes("test\r\n"));
    await terminals.refreshRunning();
    assert.deepEqual(
      [...terminals.running()].map(({ name }) => name),
      [terminal.name],
    );
    await terminal.shutdown();
    assert.ok(terminal.isDisposed);
    await terminals.refreshRunning();
    assert.deepEqual([...terminals.running()], []);
  });
});

describe("kernels that nobody uses", () => {
  it("are ended, but not while they compute or a page is connected", async (t) => {
    const culling = await startServer(t, { cull: { idleSeconds: 1, intervalSeconds: 0.2 } });
    const start = async (): Promise<string> =>
      ((await (await culling.api("POST", "/api/kernels", {})).json()) as { id: string }).id;
    const status = async (id: string): Promise<number> => (await culling.api("GET", `/api/kernels/${id}`)).status;
    const [idle, watched] = await Promise.all([start(), start()]);
    const url = `${culling.url.replace("http", "ws")}/api/kernels/${watched}/channels?token=${culling.token}`;
    const socket = new WebSocket(url);
    culling.before(() => socket.terminate());
    await until(async () => (await status(idle)) === 404);
    assert.equal(await status(watched), 200);
    socket.close();
    await until(async () => (await status(watched)) === 404);
  });
});
