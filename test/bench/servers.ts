import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { commandFile } from "../../kernel/package.ts";
import { createMessage } from "../../kernel/protocol/index.ts";
import { type ChannelMessage, decodeFrame, encodeFrame, v1Protocol } from "../../server/api/kernels/wire.ts";
import { askPython, type BenchContext } from "./measure.ts";

/** A Jupyter server that was started for a benchmark, on a folder of its own. */
export interface StartedServer {
  readonly url: string;
  /** The served folder. */
  readonly root: string;
  readonly pid: number;
  /** A request with the token; its body is read to the end. @throws on a status of 400 or more. */
  ask(method: string, path: string, body?: string | object): Promise<string>;
  /** The address of a page for a browser that has no cookie yet. */
  pageUrl(path: string): string;
  /** Opens a kernel's channels. */
  channels(kernelId: string): Promise<Channels>;
  stop(): Promise<void>;
}

/** How a server is started. */
export interface ServerContestant {
  readonly name: string;
  command(root: string, port: number): string[];
}

const token = "bench-token-bench";

export const ours: ServerContestant = {
  name: "ours",
  command: (root, port) => [
    ...[process.execPath, commandFile, "start", root, "--port", String(port), "--token", token],
    ...["--no-open", "--no-spare"],
  ],
};

/** jupyter_server, where a Python has it. It is not to drop output, which it does by default. */
export function jupyterServer(context: BenchContext): ServerContestant | undefined {
  const program = context.python("jupyter_server", "ipykernel");
  if (program === undefined) return undefined;
  return {
    name: `jupyter_server ${askPython(program, "import jupyter_server; print(jupyter_server.__version__)")}`,
    command: (root, port) => [
      ...[program, "-m", "jupyter_server", `--ServerApp.root_dir=${root}`, `--ServerApp.port=${port}`],
      ...["--no-browser", "--allow-root", `--IdentityProvider.token=${token}`, "--ServerApp.port_retries=0"],
      ...["--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=0"],
      ...["--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=0", "--ServerApp.log_level=ERROR"],
    ],
  };
}

/** Name of the kernel in load-kernel.ts. */
export const loadKernel = "load";

export async function start({ command }: ServerContestant): Promise<StartedServer> {
  const box = await mkdtemp(join(tmpdir(), "cirlab-bench-server-"));
  const root = join(box, "root");
  await mkdir(root);
  const spec = join(box, "share", "kernels", loadKernel);
  await mkdir(spec, { recursive: true });
  const kernel = fileURLToPath(new URL("./load-kernel.js", import.meta.url));
  const argv = [process.execPath, kernel, "{connection_file}"];
  await writeFile(join(spec, "kernel.json"), JSON.stringify({ argv, display_name: "Load", language: "none" }));
  const port = await freePort();
  const [program, ...args] = command(root, port);
  const child = spawn(program!, args, {
    cwd: root,
    env: {
      ...process.env,
      ...{ HOME: box, JUPYTER_PATH: join(box, "share"), JUPYTER_CONFIG_DIR: join(box, "config") },
      ...{ JUPYTER_RUNTIME_DIR: join(box, "run"), CIRLAB_HISTORY: "off" },
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = `http://127.0.0.1:${port}`;
  let log = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-2000);
  });
  const stop = async () => {
    await end(child);
    await rm(box, { recursive: true, force: true, maxRetries: 5 });
  };
  const headers = { Authorization: `token ${token}`, "Content-Type": "application/json" };
  const ask = async (method: string, path: string, body?: string | object): Promise<string> => {
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const response = await fetch(url + path, { method, headers, ...(text === undefined ? {} : { body: text }) });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 300)}`);
    return answer;
  };
  try {
    await answers(() => ask("GET", "/api/status"), child);
  } catch (error) {
    await stop();
    throw new Error(`${program} did not start: ${(error as Error).message}\n${log}`);
  }
  const socketUrl = (id: string) => `${url.replace("http", "ws")}/api/kernels/${id}/channels?token=${token}`;
  return {
    ...{ url, root, pid: child.pid!, ask, stop },
    pageUrl: (path) => `${url}${path}?token=${token}`,
    channels: (id) => Channels.open(socketUrl(id)),
  };
}

async function answers(ask: () => Promise<unknown>, child: ChildProcess): Promise<void> {
  for (const limit = Date.now() + 60_000; ; ) {
    try {
      await ask();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

/** A client's websocket to a kernel, in the protocol that pages use. */
export class Channels {
  readonly #socket: WebSocket;
  readonly #session = crypto.randomUUID();
  readonly #listeners = new Set<(message: ChannelMessage) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data, isBinary) => {
      const message = decodeFrame(data, isBinary, socket.protocol);
      for (const listen of this.#listeners) listen(message);
    });
  }

  static async open(url: string): Promise<Channels> {
    const socket = new WebSocket(url, [v1Protocol], { maxPayload: 1 << 30 });
    const opened = new Channels(socket);
    await once(socket, "open");
    await opened.request("kernel_info_request", {});
    return opened;
  }

  listen(listener: (message: ChannelMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  execute(code: string): Promise<void> {
    const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
    return this.request("execute_request", content);
  }

  /** Sends a request; resolves when its reply and the idle status are here. */
  request(type: string, content: Record<string, unknown>): Promise<void> {
    const channel = "shell";
    const message = {
      ...createMessage(type, content, { session: this.#session, username: "bench" }),
      channel,
    } as const;
    return new Promise((resolve) => {
      let isReplied = false;
      let isIdle = false;
      const stop = this.listen(({ header, parent_header, content: said }) => {
        if (parent_header.msg_id !== message.header.msg_id) return;
        if (header.msg_type.endsWith("_reply")) isReplied = true;
        if (header.msg_type === "status" && said.execution_state === "idle") isIdle = true;
        if (!isReplied || !isIdle) return;
        stop();
        resolve();
      });
      this.#socket.send(encodeFrame(message, this.#socket.protocol));
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
