import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { commandFile } from "../../kernel/package.ts";
import {
  createConnection,
  type JupyterMessage,
  KernelClient,
  writeConnectionFile,
} from "../../kernel/protocol/index.ts";

type Content = Record<string, unknown>;

/** What one execute request brought: its reply and all its broadcasts but the status messages. */
export interface Execution {
  reply: Content;
  /** Broadcasts with this request as parent, in order. */
  messages: JupyterMessage[];
  stdout: string;
  stderr: string;
  /** `text/plain` of the result, if there was one. */
  result: string | undefined;
}

/** A request under way. */
export interface Running {
  id: string;
  messages: JupyterMessage[];
  done: Promise<Execution>;
  /** Resolves with the first broadcast that `wanted` accepts, also one that came before. */
  until(wanted: (message: JupyterMessage) => boolean): Promise<JupyterMessage>;
}

/** A real kernel process and a client of it. */
export class TestKernel {
  readonly client: KernelClient;
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #file: string;
  readonly #waiters = new Set<() => void>();
  /** All messages that came, in order. */
  readonly received: JupyterMessage[] = [];

  constructor(client: KernelClient, child: ChildProcess, file: string) {
    this.client = client;
    this.process = child;
    this.#file = file;
    this.exited = new Promise((resolve) => child.on("close", (code) => resolve(code)));
    client.onMessage((message) => {
      this.received.push(message);
      // After all other listeners have taken the message.
      queueMicrotask(() => {
        for (const check of [...this.#waiters]) check();
      });
    });
  }

  /** Starts a kernel in the folder `cwd` and waits until it answers. Its history is not kept unless `env` says where. */
  static async start(options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<TestKernel> {
    const connection = await createConnection();
    const file = await writeConnectionFile(connection);
    const child = spawn(process.execPath, [commandFile, "kernel", file], {
      cwd: options.cwd ?? process.cwd(),
      env: { ...process.env, CIRLAB_HISTORY: "off", ...options.env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const kernel = new TestKernel(new KernelClient(connection), child, file);
    await kernel.client.ready();
    return kernel;
  }

  /** Sends an execute request. */
  send(code: string, options: Content = {}, metadata: Content = {}): Running {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, ...options };
    const message = this.client.message("execute_request", content, { metadata });
    const id = message.header.msg_id;
    const messages: JupyterMessage[] = [];
    const stop = this.client.onMessage((m) => {
      if (m.channel === "iopub" && m.parent_header.msg_id === id) messages.push(m);
    });
    const until = (wanted: (m: JupyterMessage) => boolean) => this.until(() => messages.find(wanted));
    const done = (async (): Promise<Execution> => {
      const reply = await this.client.ask("shell", message);
      await until((m) => m.header.msg_type === "status" && m.content.execution_state === "idle");
      stop();
      const shown = messages.filter((m) => m.header.msg_type !== "status");
      const text = (name: string) =>
        shown
          .filter((m) => m.header.msg_type === "stream" && m.content.name === name)
          .map((m) => m.content.text as string)
          .join("");
      const result = shown.find((m) => m.header.msg_type === "execute_result");
      return {
        reply: reply.content,
        messages: shown,
        stdout: text("stdout"),
        stderr: text("stderr"),
        result: (result?.content.data as { "text/plain"?: string } | undefined)?.["text/plain"],
      };
    })();
    // Whoever does not wait for it does not want to hear that the kernel was stopped.
    done.catch(() => undefined);
    return { id, messages, done, until };
  }

  /**
   * Sends cells so that all of them wait in the kernel before the first begins: the cell `hold` runs meanwhile. One that
   * asks for input is answered once they are there; of another, its time must do.
   */
  async sendTogether(codes: readonly string[], hold = "await input('')"): Promise<Running[]> {
    const holding = this.send(hold);
    await holding.until((m) => m.header.msg_type === "status" && m.content.execution_state === "busy");
    const running = codes.map((code) => this.send(code));
    await this.client.ping();
    const isAsked = (m: JupyterMessage) =>
      m.header.msg_type === "input_request" && m.parent_header.msg_id === holding.id;
    const answered = this.until(() => this.received.find(isAsked)).then(() =>
      this.client.send("stdin", this.client.message("input_reply", { value: "" })),
    );
    await Promise.race([holding.done, answered]);
    await holding.done;
    return running;
  }

  /** Executes a cell to its end. */
  execute(code: string, options: Content = {}, metadata: Content = {}): Promise<Execution> {
    return this.send(code, options, metadata).done;
  }

  /** Asks on the shell channel and returns the reply's content. */
  async ask(msgType: string, content: Content = {}, channel: "shell" | "control" = "shell"): Promise<Content> {
    return (await this.client.request(channel, msgType, content)).content;
  }

  interrupt(): Promise<Content> {
    return this.ask("interrupt_request", {}, "control");
  }

  /** Waits until `find` gives something; asked again at every message. */
  until<T>(find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found === undefined || found === false) return;
        this.#waiters.delete(check);
        resolve(found);
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Ends the kernel and removes its connection file. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await this.ask("shutdown_request", { restart: false }, "control").catch(() => undefined);
      await this.exited;
    }
    this.client.close();
    await rm(this.#file, { force: true });
  }
}
