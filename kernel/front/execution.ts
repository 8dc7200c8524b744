import type { CellRunRecord, Footprint } from "../protocol/cellRuns.ts";
import type { CellOutcome } from "../session/wire.ts";
import type { CellRuns } from "./cellRuns.ts";
import type { Compilation } from "./compilation.ts";
import {
  type ExecuteContent,
  type Failure,
  interruptedEarly,
  lengthFailure,
  readExecuteContent,
} from "./executeRequest.ts";
import type { History } from "./history.ts";
import { type ParsedCell, parseMagics } from "./magics.ts";
import { runMagics } from "./magicsRunner.ts";
import type { Outputs } from "./outputs.ts";
import { problemFailure, problemWarning } from "./problems.ts";
import type { RunResult, Session } from "./session.ts";
import type { Request, Sockets } from "./sockets.ts";

interface Queued {
  request: Request;
  aborted: boolean;
}

/** Numbers of executions, which all shells of a kernel share. */
export class Counter {
  count = 0;
  silent = 0;
}

/** How the run of a request ended. */
interface CellRun {
  outcome: CellOutcome;
  footprint?: Footprint;
  /** Names that it set when it ended, also half way. */
  written?: string[];
  /** Modules of the names that it imported. */
  imported?: Record<string, string>;
  /** What the client is asked to do. */
  payload?: Record<string, unknown>[];
}

/** Under what a piece of code runs. */
interface Head {
  id: string;
  label: string;
  frontCellId?: string;
  subshell?: string;
  timed?: boolean;
  /** The whole cell, where the code is a piece of it; pieces have the cell's own lines and columns. */
  source?: string;
}

export interface ExecutionParts {
  sockets: Sockets;
  outputs: Outputs;
  compilation: Compilation;
  session: Session;
  history: History;
  counter: Counter;
  cellRuns: CellRuns;
}

/** Runs the execute requests of one shell one after the other. */
export class Execution {
  readonly #sockets: Sockets;
  readonly #outputs: Outputs;
  readonly #compilation: Compilation;
  readonly #session: Session;
  readonly #history: History;
  readonly #counter: Counter;
  readonly #cellRuns: CellRuns;
  readonly #subshell: string | undefined;
  readonly #queue: Queued[] = [];
  #isDraining = false;
  #running: Request | undefined;
  #interruptedEarly = false;
  #stage: "compiling" | "running" = "compiling";

  /** @param subshell the subshell that this is, if it is not the main shell. */
  constructor(parts: ExecutionParts, subshell?: string) {
    this.#sockets = parts.sockets;
    this.#outputs = parts.outputs;
    this.#compilation = parts.compilation;
    this.#session = parts.session;
    this.#history = parts.history;
    this.#counter = parts.counter;
    this.#cellRuns = parts.cellRuns;
    this.#subshell = subshell;
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
      let ran: CellRunRecord | undefined;
      this.#outputs.publish("status", { execution_state: "busy" }, next.request.message);
      try {
        if (next.aborted) this.#reply(next.request, { status: "aborted" });
        else ran = await this.#execute(next.request);
      } catch (error) {
        const { message: evalue } = error as Error;
        const failure = { ename: "KernelError", evalue, traceback: [evalue] };
        const { message } = next.request;
        if (message.content.silent !== true) this.#outputs.publish("error", failure, message);
        this.#reply(next.request, { status: "error", ...failure });
      }
      // Every client hears this, whoever asked: the pages of a notebook keep their marks of stale cells by it.
      const metadata = ran ? { metadata: { cirlab: ran } } : {};
      this.#outputs.publish("status", { execution_state: "idle" }, next.request.message, metadata);
      this.#running = undefined;
    }
    this.#isDraining = false;
  }

  #reply(request: Request, content: Record<string, unknown>, footprint?: Footprint): void {
    this.#outputs.flush();
    this.#sockets.reply(
      request,
      "execute_reply",
      { ...content, execution_count: this.#counter.count },
      footprint ? { metadata: { cirlab: footprint } } : {},
    );
  }

  /** Answers all that waits with "aborted": this shell ends. */
  abort(): void {
    for (const queued of this.#queue) queued.aborted = true;
  }

  async #execute(request: Request): Promise<CellRunRecord | undefined> {
    const content = readExecuteContent(request.message.content);
    const { message } = request;
    if (!content.silent) this.#counter.count++;
    const count = this.#counter.count;
    const tooLong = lengthFailure(content.code);
    if (tooLong) {
      await this.#fail(request, content, tooLong);
      return undefined;
    }
    if (!content.silent) {
      if (content.store_history) this.#history.add(count, content.code);
      this.#outputs.publish("execute_input", { code: content.code, execution_count: count }, message);
    }
    const run = await this.#run(request, content);
    const { cellId } = message.metadata;
    const ran = this.#cellRuns.add({
      cell: typeof cellId === "string" && !content.silent ? cellId : undefined,
      code: content.code,
      footprint: run.footprint,
      written: run.written ?? [],
      imported: run.imported ?? {},
    });
    await this.#tell(request, content, run);
    return ran;
  }

  /** Tells the client how the run of its request ended. */
  async #tell(request: Request, content: ExecuteContent, run: CellRun): Promise<void> {
    const { outcome, footprint, payload = [] } = run;
    const { message } = request;
    const count = this.#counter.count;
    if (outcome.status === "error") return this.#fail(request, content, outcome, footprint);
    if (outcome.result && !content.silent) {
      this.#outputs.publish("execute_result", { ...outcome.result, execution_count: count }, message);
      const text = outcome.result.data["text/plain"];
      if (content.store_history && typeof text === "string") this.#history.setOutput(count, text);
    }
    const user_expressions = await this.#evaluateAll(request, content.user_expressions ?? {});
    this.#reply(request, { status: "ok", payload, user_expressions }, footprint);
  }

  async #fail(request: Request, content: ExecuteContent, outcome: Failure, footprint?: Footprint): Promise<void> {
    const { ename, evalue, traceback } = outcome;
    if (!content.silent) this.#outputs.publish("error", { ename, evalue, traceback }, request.message);
    if (content.stop_on_error) {
      // Requests that the client sent together with this one may still be in the socket.
      for (let i = 0; i < 3; i++) await new Promise(setImmediate);
      for (const queued of this.#queue) queued.aborted = true;
    }
    const reply = { status: "error", ename, evalue, traceback, payload: [], user_expressions: {} };
    this.#reply(request, reply, footprint);
  }

  async #run(request: Request, content: ExecuteContent): Promise<CellRun> {
    const { cellId } = request.message.metadata;
    const head = {
      ...this.#head(request, content.silent),
      ...(typeof cellId === "string" ? { frontCellId: cellId } : {}),
    };
    const shown = content.silent ? undefined : { request, content };
    const parsed = parseMagics(content.code, (name) => this.#compilation.knows(name));
    if (parsed.cell || parsed.lines.length > 0) return this.#runMagics(parsed, head, request, content, shown);
    return this.#runCode(head, content.code, shown);
  }

  /** A cell with magics may be several pieces of code: what they define and use is told together. */
  async #runMagics(
    parsed: ParsedCell,
    head: Head,
    request: Request,
    content: ExecuteContent,
    shown: { request: Request; content: ExecuteContent } | undefined,
  ): Promise<CellRun> {
    const whole = {
      defines: new Set<string>(),
      uses: new Set<string>(),
      sets: new Set<string>(),
      later: new Set<string>(),
    };
    const written = new Set<string>();
    const imported: Record<string, string> = {};
    const payload: Record<string, unknown>[] = [];
    const outcome = await runMagics(parsed, content.code, {
      label: head.label,
      settings: this.#compilation,
      runCode: async (code, options) => {
        const run = await this.#runCode({ ...head, ...options, source: content.code }, code, shown);
        for (const kind of ["uses", "sets", "later"] as const)
          for (const name of run.footprint?.[kind] ?? []) if (!whole.defines.has(name)) whole[kind].add(name);
        for (const name of run.footprint?.defines ?? []) whole.defines.add(name);
        for (const name of run.written ?? []) written.add(name);
        Object.assign(imported, run.imported);
        return run.outcome;
      },
      inSession: async (name, args, body) =>
        (await this.#inSession({ ...head, type: "magic", name, args, body })).outcome,
      setNextInput: (text) => void payload.push({ source: "set_next_input", text, replace: true }),
      print: (text) => this.#outputs.stream("stdout", text, request.message),
      reset: () => this.#session.restart(),
    });
    const footprint = {
      defines: [...whole.defines],
      uses: [...whole.uses],
      sets: [...whole.sets],
      later: [...whole.later],
    };
    return { outcome, payload, footprint, written: [...written], imported };
  }

  #head(request: Request, isSilent: boolean): Head {
    const label = isSilent ? `silent cell ${++this.#counter.silent}` : `cell ${this.#counter.count}`;
    const id = request.message.header.msg_id;
    return { id, label, ...(this.#subshell === undefined ? {} : { subshell: this.#subshell }) };
  }

  /** @param shown the request, for a cell of the notebook; without it names and types of the code are not kept. */
  async #runCode(
    head: Head,
    code: string,
    shown: { request: Request; content: ExecuteContent } | undefined,
    keepsNames = true,
  ): Promise<CellRun> {
    const compilation = this.#compilation;
    this.#stage = "compiling";
    this.#interruptedEarly = false;
    const converted = await compilation.compiler.convert(code);
    if (this.#interruptedEarly) return { outcome: interruptedEarly };
    if (!converted.ok) return { outcome: problemFailure(converted.problems, head.label, code) };
    const { cell, token } = converted;
    const footprint = { defines: cell.names, uses: cell.uses, sets: cell.sets, later: cell.later };
    if (shown && compilation.checkMode === "strict") {
      const problems = await compilation.check(token, true);
      if (problems.length > 0 || this.#interruptedEarly) compilation.commit(token, []);
      if (this.#interruptedEarly) return { outcome: interruptedEarly };
      if (problems.length > 0) return { outcome: problemFailure(problems, head.label, code), footprint };
    }
    const warned = shown && compilation.checkMode === "warn" ? this.#warn(token, head.label, code, shown) : undefined;
    const { defined, outcome } = await this.#inSession({ ...head, type: "execute", cell, source: head.source ?? code });
    // A cell that threw half way keeps what it had defined until then.
    const kept = !keepsNames ? [] : outcome.status === "ok" ? cell.names : defined;
    compilation.commit(token, kept);
    // A client without a person takes a cell's output until the cell is idle; for the others a warning may come later.
    if (shown?.content.allow_stdin === false) await warned;
    return { outcome, footprint, written: [...kept, ...cell.sets], imported: cell.imported ?? {} };
  }

  /** Tells of type errors under the cell as soon as they are known. */
  async #warn(
    token: number,
    label: string,
    code: string,
    { request, content }: { request: Request; content: ExecuteContent },
  ): Promise<void> {
    const problems = await this.#compilation.check(token, !content.allow_stdin);
    if (problems.length > 0) this.#outputs.stream("stderr", problemWarning(problems, label, code), request.message);
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
      const { outcome } = await this.#runCode(this.#head(request, true), `(${expression})`, undefined, false);
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
