import { z } from "zod";
import type { Problem } from "../compiler/cellCompiler.ts";
import type { CompilerThread } from "../compiler/thread.ts";
import type { CellOutcome, ErrorReport } from "../session/wire.ts";
import type { History } from "./history.ts";
import type { Outputs } from "./outputs.ts";
import type { RunResult, Session } from "./session.ts";
import type { Request, Sockets } from "./sockets.ts";

const contentSchema = z.looseObject({
  code: z.string(),
  silent: z.boolean().default(false),
  store_history: z.boolean().default(true),
  user_expressions: z.record(z.string(), z.string()).nullish(),
  allow_stdin: z.boolean().default(true),
  stop_on_error: z.boolean().default(true),
});
type ExecuteContent = z.infer<typeof contentSchema>;
type Failure = Extract<CellOutcome, { status: "error" }>;

interface Queued {
  request: Request;
  aborted: boolean;
}

/** A cell that starts with `%%name args` goes to a magic. */
const magicPattern = /^%%(\w+)[ \t]*([^\n]*)(?:\n([\s\S]*))?$/;

/** Runs execute requests one after the other. */
export class Execution {
  readonly #sockets: Sockets;
  readonly #outputs: Outputs;
  readonly #compiler: CompilerThread;
  readonly #session: Session;
  readonly #history: History;
  readonly #queue: Queued[] = [];
  #isDraining = false;
  #count = 0;
  #silentCount = 0;
  #running: Request | undefined;
  #interruptedEarly = false;
  #stage: "compiling" | "running" = "compiling";

  constructor(parts: {
    sockets: Sockets;
    outputs: Outputs;
    compiler: CompilerThread;
    session: Session;
    history: History;
  }) {
    this.#sockets = parts.sockets;
    this.#outputs = parts.outputs;
    this.#compiler = parts.compiler;
    this.#session = parts.session;
    this.#history = parts.history;
  }

  /** The request whose cell runs now. */
  get running(): Request | undefined {
    return this.#running;
  }

  add(request: Request): void {
    this.#queue.push({ request, aborted: false });
    if (!this.#isDraining) void this.#drain();
  }

  interrupt(): void {
    if (this.#running && this.#stage === "compiling") this.#interruptedEarly = true;
    else this.#session.interrupt();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#running = next.request;
      this.#outputs.publish("status", { execution_state: "busy" }, next.request.message);
      try {
        if (next.aborted) this.#reply(next.request, { status: "aborted" });
        else await this.#execute(next.request);
      } catch (error) {
        const { message } = error as Error;
        this.#reply(next.request, { status: "error", ename: "KernelError", evalue: message, traceback: [message] });
      }
      this.#outputs.publish("status", { execution_state: "idle" }, next.request.message);
      this.#running = undefined;
    }
    this.#isDraining = false;
  }

  #reply(request: Request, content: Record<string, unknown>): void {
    this.#outputs.flush();
    this.#sockets.reply(request, "execute_reply", { ...content, execution_count: this.#count });
  }

  async #execute(request: Request): Promise<void> {
    const parsed = contentSchema.safeParse(request.message.content);
    if (!parsed.success) throw new Error(`Malformed execute_request: ${z.prettifyError(parsed.error)}`);
    const content = parsed.data;
    const { message } = request;
    if (!content.silent) {
      this.#count++;
      if (content.store_history) this.#history.add(this.#count, content.code);
      this.#outputs.publish("execute_input", { code: content.code, execution_count: this.#count }, message);
    }
    const outcome = await this.#run(request, content);
    if (outcome.status === "error") return this.#fail(request, content, outcome);
    if (outcome.result && !content.silent) {
      this.#outputs.publish("execute_result", { ...outcome.result, execution_count: this.#count }, message);
      const text = outcome.result.data["text/plain"];
      if (content.store_history && typeof text === "string") this.#history.setOutput(this.#count, text);
    }
    const user_expressions = await this.#evaluateAll(request, content.user_expressions ?? {});
    this.#reply(request, { status: "ok", payload: [], user_expressions });
  }

  async #fail(request: Request, content: ExecuteContent, outcome: Failure): Promise<void> {
    const { ename, evalue, traceback } = outcome;
    if (!content.silent) this.#outputs.publish("error", { ename, evalue, traceback }, request.message);
    if (content.stop_on_error) {
      // Requests that the client sent together with this one may still be in the socket.
      for (let i = 0; i < 3; i++) await new Promise(setImmediate);
      for (const queued of this.#queue) queued.aborted = true;
    }
    this.#reply(request, { status: "error", ename, evalue, traceback, payload: [], user_expressions: {} });
  }

  async #run(request: Request, content: ExecuteContent): Promise<CellOutcome> {
    const id = request.message.header.msg_id;
    const label = content.silent ? `silent cell ${++this.#silentCount}` : `cell ${this.#count}`;
    const { cellId } = request.message.metadata;
    const head = { id, label, ...(typeof cellId === "string" ? { frontCellId: cellId } : {}) };
    const magic = magicPattern.exec(content.code);
    if (magic) {
      const [, name, args, body] = magic;
      return (await this.#inSession({ ...head, type: "magic", name: name!, args: args!.trim(), body: body ?? "" }))
        .outcome;
    }
    return this.#runCode(head, content.code, true);
  }

  async #runCode(
    head: { id: string; label: string; frontCellId?: string },
    code: string,
    keepsNames: boolean,
  ): Promise<CellOutcome> {
    this.#stage = "compiling";
    this.#interruptedEarly = false;
    const converted = await this.#compiler.convert(code);
    if (this.#interruptedEarly) return interruptedEarly;
    if (!converted.ok) return typeErrors(converted.problems, head.label, code);
    const { cell } = converted;
    const { defined, outcome } = await this.#inSession({ ...head, type: "execute", cell, source: code });
    // A cell that threw half way keeps what it had defined until then.
    if (keepsNames) await this.#compiler.commit(outcome.status === "ok" ? cell.names : defined);
    return outcome;
  }

  async #inSession(message: Parameters<Session["run"]>[0]): Promise<RunResult> {
    this.#stage = "running";
    try {
      return await this.#session.run(message);
    } finally {
      this.#stage = "compiling";
    }
  }

  async #evaluateAll(request: Request, expressions: Record<string, string>): Promise<Record<string, unknown>> {
    const results: Record<string, unknown> = {};
    for (const [name, expression] of Object.entries(expressions)) {
      const head = { id: request.message.header.msg_id, label: `silent cell ${++this.#silentCount}` };
      const outcome = await this.#runCode(head, `(${expression})`, false);
      if (outcome.status === "ok") {
        results[name] = { status: "ok", ...(outcome.result ?? { data: { "text/plain": "undefined" }, metadata: {} }) };
      } else {
        const { ename, evalue, traceback } = outcome;
        results[name] = { status: "error", ename, evalue, traceback };
      }
    }
    return results;
  }
}

function failure(report: ErrorReport, interrupted: boolean): Failure {
  return { status: "error", interrupted, ...report };
}

const interruptedEarly = failure(
  {
    ename: "KernelInterrupt",
    evalue: "Execution interrupted.",
    traceback: ["KernelInterrupt: Execution interrupted."],
  },
  true,
);

/** A cell with type errors does not run; each is told with its line, column and the line itself. */
function typeErrors(problems: readonly Problem[], label: string, code: string): Failure {
  const lines = code.split("\n");
  const hints: string[] = [];
  const traceback = problems.flatMap(({ start, end, message, code: number, file }) => {
    const head = `${file ?? label}:${start.line + 1}:${start.column + 1} - \u001b[31merror\u001b[39m TS${number}: ${message}`;
    if (/Cannot find module 'cirlab'/.test(message))
      hints.push('cirlab has no type declarations yet: run "npm run build" where it is installed.');
    const line = file ? undefined : lines[start.line];
    if (line === undefined) return [head];
    const number1 = String(start.line + 1);
    const length = Math.max(1, (end.line === start.line ? end.column : line.length) - start.column);
    return [
      head,
      `  ${number1} | ${line}`,
      `  ${" ".repeat(number1.length)} | ${" ".repeat(start.column)}\u001b[31m${"~".repeat(length)}\u001b[39m`,
    ];
  });
  const first = problems[0]!;
  const evalue = `${first.file ?? label}:${first.start.line + 1}:${first.start.column + 1} - ${first.message}`;
  return failure({ ename: "TypeScriptError", evalue, traceback: [...traceback, ...new Set(hints)] }, false);
}
