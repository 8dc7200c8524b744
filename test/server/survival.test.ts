import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { KernelManager, type KernelMessage, ServerConnection, SessionManager } from "@jupyterlab/services";
import WebSocket from "ws";
import { until } from "../until.ts";

const command = fileURLToPath(new URL("../../server/commands/start.js", import.meta.url));
const program = `const { main } = await import(${JSON.stringify(command)}); process.exitCode = await main(process.argv.slice(1));`;
const token = "a-token-for-tests";

interface Box {
  root: string;
  home: string;
  servers: ServerProcess[];
}

async function makeBox(t: TestContext): Promise<Box> {
  const box = await realpath(await mkdtemp(join(tmpdir(), "cirlab-survival-")));
  const [root, home] = [join(box, "root"), join(box, "home")];
  await mkdir(root);
  await mkdir(home);
  const servers: ServerProcess[] = [];
  t.after(async () => {
    for (const server of servers) await server.end("SIGTERM");
    await rm(box, { recursive: true, force: true, maxRetries: 5 });
  });
  return { root, home, servers };
}

/** A server in a process of its own, which can be killed. */
class ServerProcess {
  readonly child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  static async start({ root, home, servers }: Box, port = "0", env: NodeJS.ProcessEnv = {}, ...more: string[]) {
    const args = [root, "--no-open", "--no-spare", "--port", port, "--token", token, ...more];
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args], {
      env: { ...process.env, HOME: home, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const server = await new Promise<ServerProcess>((resolve, reject) => {
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        const url = /running at (http:\/\/[^/]+)/.exec(text)?.[1];
        if (url) resolve(new ServerProcess(child, url));
      });
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
    });
    servers.push(server);
    return server;
  }

  get port(): string {
    return new URL(this.url).port;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, "exit");
  }

  api(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: { Authorization: `token ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.api("GET", path)).json()) as T;
  }
}

/** A page: a session with a connection to its kernel, which reconnects by itself. */
async function openTab(t: TestContext, { url }: ServerProcess, path: string, kernel: string) {
  const serverSettings = ServerConnection.makeSettings({
    ...{ baseUrl: `${url}/`, wsUrl: `${url.replace("http", "ws")}/`, token, appendToken: true, init: {} },
    WebSocket: WebSocket as never,
  });
  const kernels = new KernelManager({ serverSettings, standby: "never" });
  const sessions = new SessionManager({ serverSettings, kernelManager: kernels, standby: "never" });
  const close = (): void => {
    sessions.dispose();
    kernels.dispose();
  };
  t.after(close);
  const session = await sessions.startNew({ path, name: path, type: "notebook", kernel: { name: kernel } });
  await session.kernel!.info;
  return { session, kernel: session.kernel!, close };
}

const ticks = `for (let i = 0; i < 100_000 && !require("node:fs").existsSync("stop"); i++) { console.log("tick " + i); await new Promise((r) => setTimeout(r, 20)); } "kept " + (globalThis as any).kept`;

async function writeNotebook(root: string, source: string): Promise<string> {
  const file = join(root, "a.ipynb");
  const cell = { cell_type: "code", id: "one", source, metadata: {}, execution_count: null, outputs: [] };
  await writeFile(file, JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 }));
  return file;
}

async function savedText(file: string): Promise<string> {
  const { cells } = JSON.parse(await readFile(file, "utf8")) as {
    cells: { outputs: { text?: string | string[] }[] }[];
  };
  return cells[0]!.outputs
    .map((output) => ("text" in output ? [output.text].flat().join("") : JSON.stringify(output)))
    .join("");
}

/** A file's text; nothing where it is gone. */
const textOf = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // What nobody has collected yet runs no more.
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("kernels", { concurrency: true }, () => {
  it("outlive a server that is killed: the next one takes them up with their sessions, cells and outputs", async (t) => {
    const box = await makeBox(t);
    const file = await writeNotebook(box.root, ticks);
    const first = await ServerProcess.start(box);
    const tab = await openTab(t, first, "a.ipynb", "cirlab");
    await tab.kernel.requestExecute({ code: "(globalThis as any).kept = 42;" }).done;
    const future = tab.kernel.requestExecute({ code: ticks }, false, { cellId: "one" });
    const heard: string[] = [];
    future.onIOPub = (message: KernelMessage.IIOPubMessage) => {
      if (message.header.msg_type === "stream") heard.push((message.content as { text: string }).text);
    };
    await until(() => heard.length > 2);
    // A moment after its start a cell is written down for the next server.
    const registry = join(box.home, ".cirlab", "kernels");
    await until(async () => {
      const states = await Promise.all((await readdir(registry)).map((name) => textOf(join(registry, name))));
      return states.some((state) => state.includes(future.msg.header.msg_id));
    });
    const before = await first.get<{ id: string; kernel: { id: string } }[]>("/api/sessions");
    await first.end("SIGKILL");

    const second = await ServerProcess.start(box, first.port);
    const after =
      await second.get<{ id: string; path: string; kernel: { id: string; execution_state: string } }[]>(
        "/api/sessions",
      );
    assert.equal(after.length, 1);
    assert.equal(after[0]!.id, before[0]!.id);
    assert.equal(after[0]!.path, "a.ipynb");
    assert.equal(after[0]!.kernel.id, before[0]!.kernel.id);
    assert.equal(after[0]!.kernel.execution_state, "busy");

    // The page comes back by itself and goes on hearing its cell; what the kernel kept for it is not lost.
    const count = heard.length;
    await tab.kernel.reconnect();
    await until(() => heard.length > count + 2);
    tab.close();
    await until(async () => (await savedText(file)).includes("Some output may be missing here"));
    await writeFile(join(box.root, "stop"), "");
    const text = await until(async () => {
      const now = await savedText(file);
      return now.includes("kept 42") ? now : undefined;
    });
    const numbers = [...text.matchAll(/tick (\d+)/g)].map(([, number]) => Number(number));
    const lead = numbers[0]!;
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => lead + i),
      "what was said while no server was there came with the next one",
    );
  });

  it("are left to the next server by one that is told to, and end with one that is not", async (t) => {
    const box = await makeBox(t);
    const first = await ServerProcess.start(box, "0", {}, "--keep-kernels");
    const tab = await openTab(t, first, "a.ipynb", "cirlab");
    await tab.kernel.requestExecute({ code: "(globalThis as any).kept = process.ppid;" }).done;
    tab.close();
    await first.end("SIGINT");
    const second = await ServerProcess.start(box);
    const again = await openTab(t, second, "a.ipynb", "cirlab");
    assert.equal(again.kernel.id, tab.kernel.id);
    let pid = "";
    const future = again.kernel.requestExecute({ code: "String((globalThis as any).kept)" });
    future.onIOPub = ({ header, content }: KernelMessage.IIOPubMessage) => {
      if (header.msg_type === "execute_result")
        pid = (content as KernelMessage.IExecuteResultMsg["content"]).data["text/plain"] as string;
    };
    await future.done;
    const kernelPid = Number(pid.replaceAll("'", ""));
    assert.ok(isRunning(kernelPid));
    // It can be restarted and ended as any other.
    await again.kernel.restart();
    await until(() => !isRunning(kernelPid));
    // The client must not be closed while it asks who the new one is.
    await again.kernel.requestKernelInfo();
    again.close();
    await second.end("SIGINT");
    assert.deepEqual(await readdir(join(box.home, ".cirlab", "kernels")), []);
    const third = await ServerProcess.start(box);
    assert.deepEqual(await third.get("/api/kernels"), []);
  });

  it("end by themselves when no server comes back: not while a cell runs", async (t) => {
    const box = await makeBox(t);
    const server = await ServerProcess.start(box, "0", { CIRLAB_KERNEL_GRACE_S: "1" });
    const tab = await openTab(t, server, "a.ipynb", "cirlab");
    const code = `require("node:fs").writeFileSync("pid", String(process.ppid)); while (!require("node:fs").existsSync("stop")) await new Promise((r) => setTimeout(r, 20)); require("node:fs").writeFileSync("ended", "")`;
    tab.kernel.requestExecute({ code }).done.catch(() => undefined);
    const pid = Number(await until(() => readFile(join(box.root, "pid"), "utf8").catch(() => "")));
    tab.close();
    await server.end("SIGKILL");
    await new Promise((passed) => setTimeout(passed, 3000));
    assert.ok(isRunning(pid), "a cell that runs is not cut off");
    await writeFile(join(box.root, "stop"), "");
    await until(() =>
      readFile(join(box.root, "ended"), "utf8").then(
        () => true,
        () => false,
      ),
    );
    await until(() => !isRunning(pid));
  });
});

describe("a server that is killed while it saves", () => {
  it("leaves the notebook as it was before or as it is after, whole", async (t) => {
    const box = await makeBox(t);
    const file = join(box.root, "big.ipynb");
    const content = (mark: number) => ({
      cells: Array.from({ length: 40 }, (_, i) => ({
        ...{ cell_type: "code", id: `c${i}`, source: `${mark}`, metadata: {}, execution_count: null },
        outputs: [{ output_type: "stream", name: "stdout", text: `${mark} `.repeat(20_000) }],
      })),
      ...{ metadata: {}, nbformat: 4, nbformat_minor: 5 },
    });
    let saved = 0;
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      const server = await ServerProcess.start(box);
      const killAfter = 1 + (round % 3);
      const saving = (async () => {
        for (let i = 0; ; i++) {
          sent++;
          const answer = await server
            .api("PUT", "/api/contents/big.ipynb", { type: "notebook", format: "json", content: content(sent) })
            .catch(() => undefined);
          if (!answer?.ok) return;
          saved = sent;
          if (i + 1 === killAfter) setTimeout(() => server.child.kill("SIGKILL"), (round * 17) % 60);
        }
      })();
      await saving;
      await server.end("SIGKILL");
      const { cells } = JSON.parse(await readFile(file, "utf8")) as ReturnType<typeof content>;
      const marks = new Set(cells.map(({ source }) => Number([source].flat().join(""))));
      assert.equal(marks.size, 1, "one version only");
      const [mark] = [...marks];
      assert.ok(mark! >= saved && mark! <= sent, `${mark} is the last that was saved (${saved}) or the one under way`);
      assert.equal(cells.length, 40);
    }
    assert.ok(saved >= 5);
  });
});
