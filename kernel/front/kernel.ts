import type { CompilerName } from "../compiler/cellCompiler.ts";
import { typeScriptVersion } from "../compiler/versions.ts";
import { packageVersion } from "../package.ts";
import type { ConnectionInfo } from "../protocol/connection.ts";
import { type JupyterMessage, protocolVersion } from "../protocol/messages.ts";
import { CellRuns } from "./cellRuns.ts";
import { CommTable } from "./comms.ts";
import { Compilation, chosenCompiler } from "./compilation.ts";
import { Debugger } from "./debugger.ts";
import { Counter } from "./execution.ts";
import { History } from "./history.ts";
import { Inputs } from "./inputs.ts";
import { complete, inspect, isComplete } from "./language.ts";
import { Outputs } from "./outputs.ts";
import { Session, type SessionEvent } from "./session.ts";
import { Shells } from "./shells.ts";
import { type Request, Sockets } from "./sockets.ts";

/** How long after its start a kernel that is not used loads what the first cell needs. */
const warmUpDelayMs = 300;

/** How many messages are remembered so that late output finds its cell. */
const rememberedRequests = 1000;

/** A request's reply: its content, or nothing for messages without one. */
type Answer = Record<string, unknown> | undefined;

/**
 * The kernel's front: it speaks the Jupyter protocol and never runs code of cells, so it always answers.
 */
export class Kernel {
  readonly #sockets: Sockets;
  readonly #outputs: Outputs;
  readonly #compilation: Compilation;
  readonly #session: Session;
  readonly #shells: Shells;
  readonly #history = new History();
  readonly #cellRuns = new CellRuns();
  readonly #comms: CommTable;
  readonly #inputs: Inputs;
  readonly #debugger: Debugger;
  readonly #requests = new Map<string, Request>();
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #last: Request | undefined;
  #isClosing = false;

  constructor() {
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#sockets = new Sockets((isFull) => this.#session.hold(isFull));
    this.#outputs = new Outputs(this.#sockets);
    this.#session = new Session({
      event: (event, buffers) => this.#onSessionEvent(event, buffers),
      rawOutput: (name, text) => this.#outputs.stream(name, text, this.#parent(undefined)),
      debug: (message) => this.#debugger.receive(message),
      lost: (reason, ranCell) => this.#onSessionLost(reason, ranCell),
      stuck: () => this.#onStuck(),
    });
    this.#compilation = new Compilation(chosenCompiler(process.env), (message) =>
      console.error(`cirlab kernel: ${message}`),
    );
    this.#comms = new CommTable(this.#outputs, this.#session, this.#cellRuns);
    this.#inputs = new Inputs(this.#sockets, this.#outputs, this.#session);
    this.#debugger = new Debugger({
      outputs: this.#outputs,
      session: this.#session,
      adopt: (name) => this.#compilation.adopt(name),
    });
    this.#shells = new Shells({
      sockets: this.#sockets,
      outputs: this.#outputs,
      compilation: this.#compilation,
      session: this.#session,
      history: this.#history,
      counter: new Counter(),
      cellRuns: this.#cellRuns,
    });
  }

  /** Gives the session another folder and environment than this process had when it started. */
  settle(folder: string, env: NodeJS.ProcessEnv): void {
    this.#session.send({ type: "settle", folder, env });
    // The compiler looks where it is when it begins anew.
    void this.#compilation.reset();
    void this.#compilation.reset();
  }

  /** Serves until a client shuts the kernel down. */
  async run(connection: ConnectionInfo): Promise<void> {
    try {
      await this.#sockets.open(connection, (request) => {
        this.#receive(request).catch((error: Error) => console.error(`cirlab kernel: ${error.stack}`));
      });
    } catch (error) {
      await this.#shutDown();
      throw error;
    }
    this.#outputs.publish("status", { execution_state: "starting" }, undefined);
    // While the first cell is written; a cell that comes sooner does not wait for the types.
    const warmUp = setTimeout(() => void this.#compilation.warmUp(), warmUpDelayMs);
    warmUp.unref();
    await this.#ended;
  }

  /** Counts signs of life from clients. */
  get heard(): number {
    return this.#sockets.heard;
  }

  /** Whether a cell runs. */
  get isBusy(): boolean {
    return this.#shells.running !== undefined;
  }

  /** From now on output that nobody hears is kept, up to 64 MB, for the next client. */
  holdUnheard(): void {
    this.#sockets.holdUnheard();
  }

  /** Loads what the first cell needs, before the kernel runs. */
  warmUp(): Promise<void> {
    return this.#compilation.warmUp();
  }

  interrupt(): void {
    void this.#debugger.release().then(() => this.#shells.interrupt());
  }

  /** Ends the session and the sockets; `run` returns. */
  stop(): Promise<void> {
    return this.#shutDown();
  }

  async #receive(request: Request): Promise<void> {
    const { message, socket } = request;
    const type = message.header.msg_type;
    if (socket === "stdin") return this.#inputs.receive(message);
    this.#remember(request);
    if (type === "execute_request" && socket === "shell") return this.#shells.add(request);
    this.#outputs.publish("status", { execution_state: "busy" }, message);
    let isCommPending = false;
    try {
      if (type === "comm_open" || type === "comm_msg" || type === "comm_close") {
        isCommPending = this.#comms.receive(type, message, () => this.#idle(message));
      } else if (type === "shutdown_request") {
        return await this.#answerShutdown(request);
      } else {
        const content = await this.#answer(message).catch((error: Error) => ({
          status: "error",
          ename: "KernelError",
          evalue: error.message,
          traceback: [error.message],
        }));
        if (content) this.#sockets.reply(request, type.replace(/_request$/, "_reply"), content);
      }
    } finally {
      if (!isCommPending) this.#idle(message);
    }
  }

  #idle(parent: JupyterMessage): void {
    this.#outputs.publish("status", { execution_state: "idle" }, parent);
    // Clients take the last status as the kernel's: while a cell runs, it is busy.
    const running = this.#shells.running;
    if (running) this.#outputs.publish("status", { execution_state: "busy" }, running.message);
  }

  async #answer({ header, content }: JupyterMessage): Promise<Answer> {
    switch (header.msg_type) {
      case "kernel_info_request":
        return kernelInfo(this.#compilation.compilerName);
      case "complete_request":
        return complete(this.#compilation.compiler, content);
      case "inspect_request":
        return inspect(this.#compilation.compiler, content);
      case "is_complete_request":
        return isComplete(this.#compilation.compiler, content);
      case "history_request":
        return { status: "ok", history: await this.#history.answer(content) };
      case "comm_info_request":
        return { status: "ok", comms: this.#comms.list(content.target_name) };
      case "create_subshell_request":
        return { status: "ok", subshell_id: this.#shells.create() };
      case "delete_subshell_request":
        this.#shells.delete(content.subshell_id);
        return { status: "ok" };
      case "list_subshell_request":
        return { status: "ok", subshell_id: this.#shells.list() };
      case "debug_request":
        return this.#debugger.answer(content);
      case "interrupt_request":
        this.interrupt();
        return { status: "ok" };
      default:
        return undefined;
    }
  }

  async #answerShutdown(request: Request): Promise<void> {
    const content = { status: "ok", restart: request.message.content.restart === true };
    this.#outputs.publish("shutdown_reply", content, request.message);
    this.#outputs.publish("status", { execution_state: "idle" }, request.message);
    this.#sockets.reply(request, "shutdown_reply", content);
    await this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#outputs.flush();
    this.#debugger.close();
    await Promise.all([this.#session.close(), this.#compilation.close(), this.#history.close()]);
    await this.#sockets.close();
    this.#end();
  }

  #remember(request: Request): void {
    this.#last = request;
    this.#requests.set(request.message.header.msg_id, request);
    if (this.#requests.size > rememberedRequests) this.#requests.delete(this.#requests.keys().next().value!);
  }

  /** The message that output belongs to: that of its cell, else the running or the last one. */
  #requestOf(id: string | undefined): Request | undefined {
    return (id !== undefined ? this.#requests.get(id) : undefined) ?? this.#shells.running ?? this.#last;
  }

  #parent(id: string | undefined): JupyterMessage | undefined {
    return this.#requestOf(id)?.message;
  }

  #onSessionEvent(event: SessionEvent, buffers: Uint8Array[]): void {
    switch (event.type) {
      case "stream":
        this.#outputs.stream(event.name, event.text, this.#parent(event.id));
        return;
      case "display":
        this.#outputs.publish(
          event.update ? "update_display_data" : "display_data",
          {
            data: event.data,
            metadata: event.metadata,
            transient: event.displayId === undefined ? {} : { display_id: event.displayId },
          },
          this.#parent(event.id),
        );
        return;
      case "clear":
        this.#outputs.publish("clear_output", { wait: event.wait }, this.#parent(event.id));
        return;
      case "inputRequest":
        this.#inputs.ask(event, this.#requestOf(event.id));
        return;
      case "inputWithdrawn":
        this.#inputs.withdraw(event.request);
        return;
      case "comm":
        this.#comms.fromSession(event, buffers, this.#parent(event.id));
        return;
      case "commHandled":
        this.#comms.handled(event.id);
        return;
    }
  }

  #onSessionLost(reason: string, ranCell: boolean): void {
    void this.#compilation.reset();
    this.#cellRuns.reset();
    this.#comms.lost();
    this.#inputs.lost();
    this.#debugger.lost();
    if (ranCell) return;
    this.#outputs.stream(
      "stderr",
      `The session process is gone: ${reason}. All variables are lost; a new session runs.\n`,
      this.#parent(undefined),
    );
  }

  #onStuck(): void {
    this.#outputs.stream(
      "stderr",
      "\nThe cell does not stop: it is inside a built-in operation that cannot be interrupted. " +
        "Interrupt again to end the session; its variables will be lost.\n",
      this.#parent(undefined),
    );
    this.#outputs.flush();
  }
}

function kernelInfo(compiler: CompilerName): Record<string, unknown> {
  const typescript = typeScriptVersion(compiler);
  return {
    status: "ok",
    protocol_version: protocolVersion,
    implementation: "cirlab",
    implementation_version: packageVersion,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/x-typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: "typescript",
      nbconvert_exporter: "script",
    },
    banner: `CIR Lab ${packageVersion}: TypeScript ${typescript} on Node.js ${process.version}`,
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
      { text: "Node.js", url: "https://nodejs.org/docs/latest/api/" },
    ],
    debugger: true,
    supported_features: ["kernel subshells", "debugger"],
  };
}
