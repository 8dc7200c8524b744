import type { TestKernel } from "./client.ts";

type Json = Record<string, unknown>;
export interface Reply extends Json {
  success: boolean;
  message?: string;
  body: Json;
}
export interface Variable {
  name: string;
  value: string;
  type?: string;
  variablesReference: number;
}
export interface ShownFrame {
  id: number;
  name: string;
  line: number;
  source: { path: string };
}

/** The debugger of a kernel as JupyterLab uses it. */
export class DebugClient {
  readonly kernel: TestKernel;
  #seq = 0;
  /** How many messages of the kernel the last wait has passed. */
  #passed = 0;

  constructor(kernel: TestKernel) {
    this.kernel = kernel;
  }

  /** Sends a request and returns the reply, whether it succeeded or not. */
  async request(command: string, args: Json = {}): Promise<Reply> {
    const content = { type: "request", seq: this.#seq++, command, arguments: args };
    return (await this.kernel.ask("debug_request", content, "control")) as Reply;
  }

  /** Sends a request and returns the body of its reply; fails if it did not succeed. */
  async ask(command: string, args: Json = {}): Promise<Json> {
    const reply = await this.request(command, args);
    if (!reply.success) throw new Error(`${command}: ${reply.message}`);
    return reply.body;
  }

  /** What JupyterLab sends when its debugger is turned on. */
  async start(clientID = "test"): Promise<Json> {
    const body = await this.ask("initialize", { clientID, linesStartAt1: true, columnsStartAt1: true });
    await this.ask("attach");
    return body;
  }

  /** Sets breakpoints in a cell's code; a number is a line. */
  async breakAt(code: string, ...breakpoints: (number | Json)[]): Promise<{ path: string; set: Json[] }> {
    const { sourcePath } = await this.ask("dumpCell", { code });
    const wanted = breakpoints.map((at) => (typeof at === "number" ? { line: at } : at));
    const body = await this.ask("setBreakpoints", { source: { path: sourcePath }, breakpoints: wanted });
    return { path: sourcePath as string, set: body.breakpoints as Json[] };
  }

  /** The next event of a name that was not waited for yet. */
  async event(name: string): Promise<Json> {
    const isWanted = (_: unknown, i: number): boolean => {
      const { header, content } = this.kernel.received[i]!;
      return i >= this.#passed && header.msg_type === "debug_event" && content.event === name;
    };
    const at = await this.kernel.until(() => {
      const found = this.kernel.received.findIndex(isWanted);
      return found >= 0 && { found };
    });
    this.#passed = at.found + 1;
    return this.kernel.received[at.found]!.content.body as Json;
  }

  /** Waits for the next stop. */
  async stop(): Promise<{ reason: string; text?: string; frames: ShownFrame[]; line: number }> {
    const { reason, text } = (await this.event("stopped")) as { reason: string; text?: string };
    const frames = await this.frames();
    return { reason, ...(text === undefined ? {} : { text }), frames, line: frames[0]!.line };
  }

  async frames(): Promise<ShownFrame[]> {
    return (await this.ask("stackTrace", { threadId: 1 })).stackFrames as ShownFrame[];
  }

  /** Steps and waits for the stop. */
  async step(kind: "next" | "stepIn" | "stepOut"): Promise<{ reason: string; frames: ShownFrame[]; line: number }> {
    await this.ask(kind, { threadId: 1 });
    return this.stop();
  }

  async scopes(frameId: number): Promise<Record<string, Variable[]>> {
    const { scopes } = (await this.ask("scopes", { frameId })) as { scopes: Variable[] };
    const entries = scopes.map(
      async ({ name, variablesReference }) => [name, await this.variables(variablesReference)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  async variables(variablesReference: number, page: Json = {}): Promise<Variable[]> {
    return (await this.ask("variables", { variablesReference, ...page })).variables as Variable[];
  }

  async evaluate(expression: string, frameId?: number): Promise<string> {
    const args = { expression, context: "repl", ...(frameId === undefined ? {} : { frameId }) };
    return (await this.ask("evaluate", args)).result as string;
  }
}

/** Variables as an object of their values. */
export const values = (variables: Variable[] | undefined): Record<string, string> =>
  Object.fromEntries((variables ?? []).map(({ name, value }) => [name, value]));
