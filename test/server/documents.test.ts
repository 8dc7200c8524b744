import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Kernel, KernelManager, KernelMessage, type Session, SessionManager } from "@jupyterlab/services";
import WebSocket from "ws";
import type { FollowedCell } from "../../server/documents/kernelRuns.ts";
import { changeEvent } from "../../server/documents/watcher.ts";
import { until } from "../until.ts";
import { startServer, type TestServer } from "./server.ts";

interface Cell {
  id: string;
  source: string | string[];
  metadata: Record<string, unknown>;
  execution_count: number | null;
  outputs: Record<string, unknown>[];
}

const code = (id: string, source: string, outputs: unknown[] = []): object => ({
  ...{ cell_type: "code", id, source, metadata: {}, execution_count: null, outputs },
});

async function writeNotebook(server: TestServer, name: string, cells: object[], minor = 5): Promise<string> {
  const file = join(server.root, name);
  await writeFile(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: minor }));
  return file;
}

const sourceOf = ({ source }: Cell): string => [source].flat().join("");

async function cellsOf(file: string): Promise<Record<string, Cell>> {
  const { cells } = JSON.parse(await readFile(file, "utf8")) as { cells: Cell[] };
  return Object.fromEntries(cells.map((cell) => [cell.id ?? sourceOf(cell), cell]));
}

/** The text of a cell's outputs. */
const textOf = (cell: Cell): string =>
  cell.outputs.map(({ text, data }) => [text ?? Object.values(data as object)[0]].flat().join("")).join("");

/** A page, as far as the server knows: a session with its own connection to the kernel. */
class Tab {
  readonly session: Session.ISessionConnection;
  readonly kernel: Kernel.IKernelConnection;
  readonly #end: () => void;

  private constructor(session: Session.ISessionConnection, end: () => void) {
    this.session = session;
    this.kernel = session.kernel!;
    this.#end = end;
  }

  static async open(server: TestServer, path: string): Promise<Tab> {
    const serverSettings = server.settings;
    const kernels = new KernelManager({ serverSettings });
    const sessions = new SessionManager({ serverSettings, kernelManager: kernels });
    const end = (): void => {
      sessions.dispose();
      kernels.dispose();
    };
    server.before(end);
    const session = await sessions.startNew({ path, name: path, type: "notebook", kernel: { name: "cirlab" } });
    const tab = new Tab(session, end);
    await tab.kernel.info;
    // A client that is closed while it asks rejects a promise that nobody can catch.
    await tab.kernel.requestKernelInfo();
    return tab;
  }

  run(
    cellId: string,
    source: string,
  ): Kernel.IShellFuture<KernelMessage.IExecuteRequestMsg, KernelMessage.IExecuteReplyMsg> {
    return this.kernel.requestExecute({ code: source }, false, { cellId });
  }

  /** What the server answers to a page that opens. */
  async follow(): Promise<FollowedCell[]> {
    const message = KernelMessage.createMessage({
      channel: "control",
      msgType: "cirlab_follow_request",
      session: this.kernel.clientId,
      username: "",
      content: { path: this.session.path },
    } as never) as unknown as KernelMessage.IControlMessage;
    const future = this.kernel.sendControlMessage(message, true, false);
    return new Promise((resolve) => {
      future.onReply = ({ content }) => resolve((content as unknown as { cells: FollowedCell[] }).cells);
    });
  }

  close(): void {
    this.#end();
  }
}

const ticker = `for (let i = 0; i < 8; i++) { console.log("tick " + i); await new Promise((r) => setTimeout(r, 100)); } "done"`;

describe("a cell whose page is closed", { concurrency: true }, () => {
  it("goes on, and its outputs land in the notebook's file, which is otherwise left alone", async (t) => {
    const server = await startServer(t);
    const file = await writeNotebook(server, "a.ipynb", [code("one", ticker), code("two", "2", [])]);
    const tab = await Tab.open(server, "a.ipynb");
    tab.run("one", ticker);
    await until(async () => (await tab.follow())[0]?.outputs.length);
    tab.close();
    // What a person writes meanwhile, with another program, stays.
    await writeNotebook(server, "a.ipynb", [code("zero", "0"), code("one", `${ticker}// edited`), code("two", "3")]);
    const cells = await until(async () => {
      const now = await cellsOf(file);
      return now.one!.execution_count ? now : undefined;
    });
    assert.equal(textOf(cells.one!), `${Array.from({ length: 8 }, (_, i) => `tick ${i}\n`).join("")}'done'`);
    assert.equal(cells.one!.execution_count, 1);
    assert.match(sourceOf(cells.one!), /edited/);
    assert.deepEqual(cells.two!.outputs, []);
    assert.equal(sourceOf(cells.two!), "3");
    const { cells: order } = JSON.parse(await readFile(file, "utf8")) as { cells: Cell[] };
    assert.deepEqual(
      order.map(({ id }) => id),
      ["zero", "one", "two"],
    );
  });

  it("has nothing written while a page is there; a page's newer word is not overwritten", async (t) => {
    const server = await startServer(t);
    const file = await writeNotebook(server, "a.ipynb", [code("one", "1"), code("two", "2")]);
    const before = await readFile(file, "utf8");
    const tab = await Tab.open(server, "a.ipynb");
    await tab.run("one", "1").done;
    await tab.run("two", "2").done;
    assert.equal(await readFile(file, "utf8"), before);
    const outputs = [{ output_type: "execute_result", execution_count: 1, data: { "text/plain": "1" }, metadata: {} }];
    const content = { cells: [code("one", "1", outputs)], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    const saved = await server.api("PUT", "/api/contents/a.ipynb", { type: "notebook", format: "json", content });
    assert.equal(saved.status, 200);
    const after = await readFile(file, "utf8");
    tab.close();
    await until(async () => {
      const [kernel] = (await (await server.api("GET", "/api/kernels")).json()) as { connections: number }[];
      return kernel!.connections === 0;
    });
    const again = await Tab.open(server, "a.ipynb");
    await again.run("three", "3").done;
    again.close();
    // A cell that no save has ever brought to the file is not lost either.
    const cells = await until(async () => {
      const now = await cellsOf(file);
      return now.three ? now : undefined;
    });
    assert.notEqual(after, before);
    assert.deepEqual(Object.keys(cells), ["one", "three"], "a deleted cell does not come back");
    assert.equal(textOf(cells.three!), "3");
  });

  it("is trusted as before, follows its notebook to a new name, and finds its cell where cells have no ids", async (t) => {
    const server = await startServer(t);
    const bare = { ...code("x", ticker), id: undefined };
    await writeNotebook(server, "old.ipynb", [bare, { ...code("x", "other"), id: undefined }], 4);
    const tab = await Tab.open(server, "old.ipynb");
    tab.run("any-id", ticker);
    await until(async () => (await tab.follow())[0]?.outputs.length);
    await rename(join(server.root, "old.ipynb"), join(server.root, "new.ipynb"));
    await tab.session.setPath("new.ipynb");
    tab.close();
    const cells = await until(async () => {
      const now = await cellsOf(join(server.root, "new.ipynb"));
      return now[ticker]!.execution_count ? now : undefined;
    });
    assert.match(textOf(cells[ticker]!), /tick 7\n'done'$/);
    assert.deepEqual(cells.other!.outputs, []);
    const { content } = (await (await server.api("GET", "/api/contents/new.ipynb")).json()) as {
      content: { cells: Cell[] };
    };
    assert.equal(content.cells[0]!.metadata.trusted, true);
  });

  it("follows its notebook, and the folder that it is in, to new names", async (t) => {
    const server = await startServer(t);
    await mkdir(join(server.root, "folder"));
    const go = join(server.root, "go");
    const source = `const { existsSync } = await import("node:fs");
while (!existsSync(${JSON.stringify(go)})) await new Promise((r) => setTimeout(r, 20));
"done"`;
    await writeNotebook(server, "folder/a.ipynb", [code("one", source)]);
    const tab = await Tab.open(server, "folder/a.ipynb");
    tab.run("one", source);
    await until(async () => (await tab.follow())[0]?.state === "running");
    tab.close();
    const move = async (from: string, to: string): Promise<void> =>
      assert.equal((await server.api("PATCH", `/api/contents/${from}`, { path: to })).status, 200);
    await move("folder/a.ipynb", "folder/b.ipynb");
    await move("folder", "renamed");
    const sessions = (await (await server.api("GET", "/api/sessions")).json()) as Session.IModel[];
    assert.deepEqual(
      sessions.map(({ path }) => path),
      ["renamed/b.ipynb"],
    );
    await writeFile(go, "");
    const cells = await until(async () => {
      const now = await cellsOf(join(server.root, "renamed/b.ipynb"));
      return now.one!.execution_count ? now : undefined;
    });
    assert.equal(textOf(cells.one!), "'done'");
    assert.deepEqual(await readdir(join(server.root, "renamed")), ["b.ipynb"]);
  });

  it("is not given the cells of a console on its kernel", async (t) => {
    const server = await startServer(t);
    const file = await writeNotebook(server, "a.ipynb", [code("one", "1")]);
    const tab = await Tab.open(server, "a.ipynb");
    const id = tab.kernel.id;
    const console_ = { path: "console-1", name: "Console 1", type: "console", kernel: { id } };
    assert.equal((await server.api("POST", "/api/sessions", console_)).status, 201);
    const typed = new KernelManager({ serverSettings: server.settings });
    server.before(() => typed.dispose());
    const connection = typed.connectTo({ model: tab.kernel.model });
    await connection.requestExecute({ code: "40 + 2" }, false, { cellId: "typed" }).done;
    // The notebook's own cells are written after it.
    await tab.follow();
    await tab.run("one", "1").done;
    await tab.run("new", "3").done;
    tab.close();
    typed.dispose();
    const cells = await until(async () => {
      const now = await cellsOf(file);
      return now.new ? now : undefined;
    });
    assert.deepEqual(Object.keys(cells), ["one", "new"]);
    assert.equal(textOf(cells.one!), "1");
  });
});

describe("a page that opens while a cell runs", { concurrency: true }, () => {
  it("gets the outputs so far and then every message once", async (t) => {
    const server = await startServer(t);
    await writeNotebook(server, "a.ipynb", [code("one", "")]);
    const first = await Tab.open(server, "a.ipynb");
    const counter = `for (let i = 0; i < 400; i++) { console.log(i); if (i % 10 === 0) await new Promise((r) => setTimeout(r, 5)); }`;
    const done = first.run("one", counter).done;
    await until(async () => (await first.follow())[0]?.outputs.length);
    const second = await Tab.open(server, "a.ipynb");
    let text = "";
    let isFollowing = false;
    let isOver = false;
    second.kernel.anyMessage.connect((_, { msg, direction }) => {
      if (direction === "send") return;
      const type = msg.header.msg_type as string;
      if (type === "cirlab_follow_reply") {
        const [cell] = (msg.content as unknown as { cells: FollowedCell[] }).cells;
        text = cell!.outputs.map((output) => (output as { text: string }).text).join("");
        isFollowing = true;
        isOver = cell!.state === "ended";
      } else if (isFollowing && type === "stream") text += (msg.content as { text: string }).text;
      else if (
        isFollowing &&
        type === "status" &&
        (msg.parent_header as { msg_type: string }).msg_type === "execute_request"
      )
        isOver = (msg.content as { execution_state: string }).execution_state === "idle";
    });
    await second.follow();
    await done;
    await until(() => isOver);
    assert.equal(text, Array.from({ length: 400 }, (_, i) => `${i}\n`).join(""));
  });

  it("hears of cells that another tab runs, and may answer a question whose asker is gone", async (t) => {
    const server = await startServer(t);
    await writeNotebook(server, "a.ipynb", [code("one", "")]);
    const [first, second] = [await Tab.open(server, "a.ipynb"), await Tab.open(server, "a.ipynb")];
    await second.follow();
    const heard: string[] = [];
    let question: KernelMessage.IInputRequestMsg | undefined;
    second.kernel.anyMessage.connect((_, { msg, direction }) => {
      if (direction === "recv") heard.push(msg.header.msg_type);
      if (KernelMessage.isInputRequestMsg(msg)) question = msg;
    });
    await first.run("one", "1").done;
    await until(() => heard.includes("execute_result"));
    assert.equal(heard[0], "cirlab_cell_started");

    first.run("one", 'import { input } from "cirlab/kernel"; "got " + (await input("name? "))');
    const asked = await until(async () => (await second.follow()).find(({ input_request }) => input_request));
    assert.equal(asked.input_request?.content.prompt, "name? ");
    assert.equal(question, undefined, "who asked is there");
    first.close();
    const { kernel } = second;
    kernel.sendInputReply({ status: "ok", value: "Ada" }, asked.input_request!.header as never);
    await until(() => heard.filter((type) => type === "execute_result").length === 2);
    const cell = await until(async () => (await second.follow()).find(({ state }) => state === "ended"));
    assert.match(JSON.stringify(cell.outputs), /Ada.*got Ada/s);
    assert.equal(cell.input_request, null);
  });
});

describe("saving", () => {
  it("is refused when the file is not the one that the page knows", async (t) => {
    const server = await startServer(t);
    const file = await writeNotebook(server, "a.ipynb", [code("one", "1")]);
    const known = (await (await server.api("GET", "/api/contents/a.ipynb?hash=1")).json()) as { hash: string };
    const content = { cells: [code("one", "mine")], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    const save = () =>
      server.api("PUT", "/api/contents/a.ipynb", { type: "notebook", format: "json", content, if_hash: known.hash });
    const saved = (await (await save()).json()) as { hash: string };
    assert.equal((await save()).status, 409);
    await writeNotebook(server, "a.ipynb", [code("one", "theirs")]);
    known.hash = saved.hash;
    assert.equal((await save()).status, 409);
    assert.match(await readFile(file, "utf8"), /theirs/);
  });
});

describe("a notebook that was read", () => {
  it("is watched also in a folder that was removed and made anew", async (t) => {
    const server = await startServer(t);
    const events = new WebSocket(`${server.url.replace("http", "ws")}/api/events/subscribe?token=${server.token}`);
    server.before(() => events.terminate());
    const changes: { schema_id: string; last_modified: string }[] = [];
    events.on("message", (data) => {
      const event = JSON.parse(String(data)) as (typeof changes)[number];
      if (event.schema_id === changeEvent) changes.push(event);
    });
    await once(events, "open");
    const folder = join(server.root, "folder");
    const make = async (): Promise<void> => {
      await mkdir(folder);
      await writeNotebook(server, "folder/a.ipynb", []);
    };
    const read = async () => assert.equal((await server.api("GET", "/api/contents/folder/a.ipynb")).status, 200);
    // As a change of branches does it.
    await make();
    await read();
    await rm(folder, { recursive: true });
    await make();
    await read();
    const { mtime } = await stat(await writeNotebook(server, "folder/a.ipynb", [code("c", "1")]));
    await until(() => changes.some(({ last_modified }) => last_modified === mtime.toISOString()));
  });
});
