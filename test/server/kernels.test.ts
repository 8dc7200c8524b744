import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  type Kernel,
  KernelManager,
  type KernelMessage,
  KernelSpecManager,
  type Session,
  SessionManager,
} from "@jupyterlab/services";
import WebSocket from "ws";
import { ownKernelSpec } from "../../kernel/specs/index.ts";
import { until } from "../until.ts";
import { startServer, type TestServer } from "./server.ts";

interface WrappedKernel {
  folder: string;
  program: string;
}

interface Client {
  server: TestServer;
  kernels: KernelManager;
  sessions: SessionManager;
}

async function open(t: Parameters<typeof startServer>[0]): Promise<Client> {
  const server = await startServer(t);
  const serverSettings = server.settings;
  const kernels = new KernelManager({ serverSettings });
  const sessions = new SessionManager({ serverSettings, kernelManager: kernels });
  server.before(() => {
    sessions.dispose();
    kernels.dispose();
  });
  return { server, kernels, sessions };
}

/** Runs a cell; returns the text of its result and what it printed. */
async function run(kernel: Kernel.IKernelConnection, code: string): Promise<{ result: string; printed: string }> {
  const answer = { result: "", printed: "" };
  const future = kernel.requestExecute({ code });
  future.onIOPub = ({ header, content }: KernelMessage.IIOPubMessage): void => {
    if (header.msg_type === "execute_result")
      answer.result = String((content as KernelMessage.IExecuteResultMsg["content"]).data["text/plain"]);
    if (header.msg_type === "stream") answer.printed += (content as KernelMessage.IStreamMsg["content"]).text;
  };
  await future.done;
  return answer;
}

/** Processes whose environment says that this server started them. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the kernel of this package known under another name, with a script of ours started first.
 *
 * @param script is JavaScript; after it the kernel starts.
 * @returns the folder of the kernelspec, and the program that it names: a link to Node.
 */
async function wrapKernel(t: TestContext, server: TestServer, name: string, script: string): Promise<WrappedKernel> {
  const own = ownKernelSpec();
  const folder = join(server.root, "..", "jupyter", "kernels", name);
  await mkdir(folder, { recursive: true });
  const [node, command, ...args] = own.argv;
  const [program, start] = [join(folder, "node"), join(folder, "start.mjs")];
  await symlink(node!, program);
  const rest = `process.argv[1] = ${JSON.stringify(command)};\nawait import("file://" + process.argv[1]);\n`;
  await writeFile(start, script + rest);
  await writeFile(join(folder, "kernel.json"), JSON.stringify({ ...own, argv: [program, start, ...args] }));
  process.env.JUPYTER_PATH = join(folder, "..", "..");
  t.after(() => delete process.env.JUPYTER_PATH);
  return { folder, program };
}

describe("kernels with the JupyterLab client", () => {
  it("starts, runs, interrupts, restarts and ends a kernel", async (t) => {
    const { server, kernels } = await open(t);
    const kernel = await kernels.startNew({ name: "cirlab" });
    assert.equal((await run(kernel, "let kept = 20 + 22; kept")).result, "42");
    assert.equal((await run(kernel, "console.log('hello')")).printed, "hello\n");
    const info = await kernel.info;
    assert.equal(info.language_info.name, "typescript");

    const endless = kernel.requestExecute({ code: "while (true) {}" });
    await until(() => kernel.status === "busy");
    const busy = (await (await server.api("GET", `/api/kernels/${kernel.id}`)).json()) as Kernel.IModel;
    assert.equal(busy.execution_state, "busy");
    assert.equal(busy.connections, 1);
    await kernel.interrupt();
    assert.equal((await endless.done).content.status, "error");
    assert.equal((await run(kernel, "kept")).result, "42", "an interrupt keeps the state");

    await kernel.restart();
    assert.equal((await run(kernel, "typeof (globalThis as any).kept")).result.replace(/['"]/g, ""), "undefined");
    const { last_activity } = (await (await server.api("GET", `/api/kernels/${kernel.id}`)).json()) as Kernel.IModel;
    assert.ok(Date.parse(last_activity ?? "") > Date.now() - 60_000);

    await kernel.shutdown();
    assert.equal((await server.api("GET", `/api/kernels/${kernel.id}`)).status, 404);
    assert.deepEqual(await (await server.api("GET", "/api/kernels")).json(), []);
  });

  it("keeps what a client misses while it is away, for that client", async (t) => {
    const { server, kernels } = await open(t);
    const kernel = await kernels.startNew({ name: "cirlab" });
    await kernel.info;
    const other = kernels.connectTo({ model: kernel.model });
    await other.info;

    const printed: string[] = [];
    const code = `for (let i = 0; i < 5; i++) { console.log("line " + i); await new Promise((r) => setTimeout(r, 100)); } "end"`;
    const future = kernel.requestExecute({ code });
    let result = "";
    future.onIOPub = ({ header, content }: KernelMessage.IIOPubMessage): void => {
      if (header.msg_type === "stream") printed.push((content as KernelMessage.IStreamMsg["content"]).text);
      if (header.msg_type === "execute_result")
        result = String((content as KernelMessage.IExecuteResultMsg["content"]).data["text/plain"]);
    };
    await until(() => printed.length > 0);
    // Cut the wire: the client notices, and comes back with the same session id.
    const socket = (kernel as unknown as { _ws: WebSocket })._ws;
    const heard = new Promise<void>((resolve) => {
      other.iopubMessage.connect((_, { header }) => {
        if (header.msg_type === "execute_result") resolve();
      });
    });
    const inside = kernel as unknown as { _createSocket: () => void };
    const createSocket = inside._createSocket;
    inside._createSocket = () => undefined;
    socket.terminate();
    await heard;
    assert.equal(result, "");
    assert.equal(
      ((await (await server.api("GET", `/api/kernels/${kernel.id}`)).json()) as Kernel.IModel).connections,
      1,
    );
    inside._createSocket = createSocket;
    await kernel.reconnect();
    const reply = await future.done;
    assert.equal(reply.content.status, "ok");
    assert.deepEqual(printed.join("").split("\n").filter(Boolean), ["line 0", "line 1", "line 2", "line 3", "line 4"]);
    assert.match(result, /end/);
  });

  it("restarts a kernel that is killed and tells its clients", async (t) => {
    const { server, kernels } = await open(t);
    const kernel = await kernels.startNew({ name: "cirlab" });
    const { result } = await run(kernel, "process.ppid");
    const states: string[] = [];
    kernel.statusChanged.connect((_, state) => states.push(state));
    process.kill(Number(result), "SIGKILL");
    await until(() => states.includes("autorestarting"));
    await until(() => states.includes("idle"));
    assert.equal((await run(kernel, "1 + 1")).result, "2");
    const again = (await run(kernel, "process.ppid")).result;
    assert.notEqual(again, result);
    assert.equal(((await (await server.api("GET", "/api/kernels")).json()) as Kernel.IModel[]).length, 1);
  });

  it("starts another process where one ends before it answers, and gives it what was asked meanwhile", async (t) => {
    const { server, kernels } = await open(t);
    const begun = join(server.root, "..", "begun");
    const script = `import { existsSync, writeFileSync } from "node:fs";
const begun = ${JSON.stringify(begun)};
if (!existsSync(begun)) {
  writeFileSync(begun, "");
  process.exit(1);
}
`;
    await wrapKernel(t, server, "late", script);
    const kernel = await kernels.startNew({ name: "late" });
    const states: string[] = [];
    kernel.statusChanged.connect((_, state) => states.push(state));
    assert.equal((await run(kernel, "1 + 1")).result, "2");
    assert.ok(existsSync(begun));
    assert.ok(!states.includes("autorestarting"), states.join());
  });

  it("makes one restart of two at once, and gives what was asked meanwhile to the new process", async (t) => {
    const { server, kernels } = await open(t);
    const [file, leave] = [join(server.root, "..", "pids"), join(server.root, "..", "leave")];
    // The old process ends when the test has asked for something.
    const script = `import { appendFileSync, existsSync } from "node:fs";
appendFileSync(${JSON.stringify(file)}, process.pid + "\\n");
const clock = new Int32Array(new SharedArrayBuffer(4));
process.once("exit", () => {
  while (!existsSync(${JSON.stringify(leave)})) Atomics.wait(clock, 0, 0, 20);
});
`;
    await wrapKernel(t, server, "counted", script);
    const started = async (): Promise<number[]> => (await readFile(file, "utf8")).trim().split("\n").map(Number);
    const kernel = await kernels.startNew({ name: "counted" });
    assert.equal((await run(kernel, "let kept = 1; kept")).result, "1");
    const restart = () => server.api("POST", `/api/kernels/${kernel.id}/restart`);
    const both = Promise.all([restart(), restart()]);
    const state = async () => (await (await server.api("GET", `/api/kernels/${kernel.id}`)).json()) as Kernel.IModel;
    await until(async () => (await state()).execution_state === "restarting");
    const meanwhile = run(kernel, "typeof (globalThis as any).kept");
    await writeFile(leave, "");
    assert.match((await meanwhile).result, /undefined/);
    assert.deepEqual(
      (await both).map(({ status }) => status),
      [200, 200],
    );
    const pids = await started();
    assert.equal(pids.length, 2);
    assert.equal(await isRunning(pids[0]!), false);
    assert.equal(await isRunning(pids[1]!), true);

    await Promise.all([restart(), server.api("DELETE", `/api/kernels/${kernel.id}`)]);
    for (const pid of await started()) assert.equal(await isRunning(pid), false);
  });

  it("calls a kernel dead whose program is gone when it is to start anew", async (t) => {
    const { server, kernels } = await open(t);
    const { program } = await wrapKernel(t, server, "gone", "");
    const kernel = await kernels.startNew({ name: "gone" });
    await kernel.info;
    await rm(program);
    const states: string[] = [];
    kernel.statusChanged.connect((_, state) => states.push(state));
    assert.equal((await server.api("POST", `/api/kernels/${kernel.id}/restart`)).status, 500);
    await until(() => states.includes("dead"));
  });

  it("gives a document one session, renames it, changes its kernel and ends it", async (t) => {
    const { server, sessions } = await open(t);
    await mkdir(join(server.root, "sub"));
    const options: Session.ISessionOptions = {
      path: "sub/a.ipynb",
      type: "notebook",
      name: "a.ipynb",
      kernel: { name: "cirlab" },
    };
    const [session, twin] = await Promise.all([sessions.startNew(options), sessions.startNew(options)]);
    assert.equal(twin.id, session.id, "two pages that open one notebook share a kernel");
    assert.match((await run(session.kernel!, "process.cwd()")).result, /root\/sub/);
    await session.setPath("b.ipynb");
    const models = (await (await server.api("GET", "/api/sessions")).json()) as Session.IModel[];
    assert.deepEqual(
      models.map(({ path }) => path),
      ["b.ipynb"],
    );

    const before = session.kernel!.id;
    await session.changeKernel({ name: "cirlab" });
    assert.notEqual(session.kernel!.id, before);
    assert.equal((await server.api("GET", `/api/kernels/${before}`)).status, 404);
    await session.shutdown();
    assert.deepEqual(await (await server.api("GET", "/api/kernels")).json(), []);
    assert.equal((await server.api("GET", `/api/sessions/${session.id}`)).status, 404);
    assert.equal((await server.api("DELETE", `/api/sessions/${session.id}`)).status, 404);
  });

  it("lists kernelspecs with their logos", async (t) => {
    const { server } = await open(t);
    const specs = new KernelSpecManager({ serverSettings: server.settings });
    server.before(() => specs.dispose());
    await specs.ready;
    assert.equal(specs.specs?.default, "cirlab");
    const spec = specs.specs?.kernelspecs.cirlab;
    assert.equal(spec?.language, "typescript");
    const logo = await server.api("GET", spec!.resources["logo-svg"]!);
    assert.equal(logo.status, 200);
    assert.match(logo.headers.get("content-type") ?? "", /svg/);
    assert.equal((await server.api("GET", "/kernelspecs/cirlab/..%2findex.js")).status, 404);
    const unknown = await server.api("POST", "/api/kernels", { name: "none" });
    assert.equal(unknown.status, 501);
  });
});

describe("kernel processes", () => {
  it("end with the server, and so does what they started", async (t) => {
    const server = await startServer(t);
    const kernels = new KernelManager({ serverSettings: server.settings });
    server.before(() => kernels.dispose());
    const kernel = await kernels.startNew({ name: "cirlab" });
    const code = `const { spawn } = await import("node:child_process"); [process.ppid, process.pid, spawn("sleep", ["1000"]).pid].join(" ")`;
    const pids = (await run(kernel, code)).result.replace(/['"]/g, "").split(" ").map(Number);
    assert.equal(pids.length, 3);
    for (const pid of pids) assert.ok(await isRunning(pid));
    kernels.dispose();
    await server.close();
    await until(async () => !(await Promise.all(pids.map(isRunning))).some(Boolean));
  });
});

describe("kernel websockets", () => {
  it("speak JSON without a subprotocol, and hold requests until the kernel answers", async (t) => {
    const server = await startServer(t);
    const { id } = (await (await server.api("POST", "/api/kernels", {})).json()) as Kernel.IModel;
    const url = `${server.url.replace("http", "ws")}/api/kernels/${id}/channels?session_id=n&token=${server.token}`;
    const socket = new WebSocket(url);
    server.before(() => socket.terminate());
    const replied = new Promise<Record<string, unknown>>((resolve) => {
      socket.on("message", (data, isBinary) => {
        assert.equal(isBinary, false);
        const message = JSON.parse(data.toString());
        if (message.msg_type === "execute_reply") resolve(message);
      });
    });
    await new Promise((resolve) => socket.once("open", resolve));
    const header = { msg_id: "m1", session: "n", username: "n", version: "5.3", msg_type: "execute_request", date: "" };
    const content = { code: "1", silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    socket.send(JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content }));
    const reply = await replied;
    assert.equal(reply.channel, "shell");
    assert.equal((reply.parent_header as { msg_id: string }).msg_id, "m1");
    assert.equal((reply.content as { status: string }).status, "ok");

    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    socket.send("no message");
    assert.equal(await closed, 1007);
    const unknown = new WebSocket(url.replace(id, "00000000-0000-0000-0000-000000000000"));
    const status = await new Promise<number>((resolve) => {
      unknown.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      unknown.once("error", () => undefined);
    });
    assert.equal(status, 404);
  });

  it("end with a reason that fits, whatever was sent", async (t) => {
    const server = await startServer(t);
    const { id } = (await (await server.api("POST", "/api/kernels", {})).json()) as Kernel.IModel;
    const socket = new WebSocket(
      `${server.url.replace("http", "ws")}/api/kernels/${id}/channels?token=${server.token}`,
    );
    server.before(() => socket.terminate());
    const closed = new Promise<[number, string]>((resolve) =>
      socket.once("close", (code, reason) => resolve([code, String(reason)])),
    );
    // 123 bytes of reason are what a websocket takes; these letters have three each.
    socket.once("open", () =>
      socket.send(JSON.stringify({ channel: "\u65e5".repeat(200), header: { msg_id: "m", msg_type: "t" } })),
    );
    const [code, reason] = await closed;
    assert.equal(code, 1007);
    assert.match(reason, /^Not a Jupyter message: unknown channel "\u65e5+$/);
    assert.equal((await server.api("GET", "/api/status")).status, 200);
  });
});
