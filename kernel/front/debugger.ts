import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { z } from "zod";
import { murmur2 } from "../session/debug/murmur2.ts";
import type {
  AttachArguments,
  BoundBreakpoint,
  CellFiles,
  FromDebugger,
  WantedBreakpoint,
} from "../session/debug/protocol.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";

const requestSchema = z.looseObject({
  type: z.literal("request").default("request"),
  seq: z.number().default(0),
  command: z.string(),
  arguments: z.record(z.string(), z.unknown()).nullish(),
});
type DapRequest = z.infer<typeof requestSchema>;
type Args = Record<string, unknown>;

const breakpointsSchema = z.looseObject({
  source: z.looseObject({ path: z.string() }),
  breakpoints: z
    .array(
      z.looseObject({
        line: z.number().int().min(1),
        condition: z.string().nullish(),
        logMessage: z.string().nullish(),
      }),
    )
    .default([]),
});
const filterSchema = z.looseObject({ filters: z.array(z.enum(["all", "uncaught"])) });
const sourceSchema = z.looseObject({ source: z.looseObject({ path: z.string() }) });
const dumpSchema = z.looseObject({ code: z.string() });
const nameSchema = z.looseObject({
  srcVariableName: z.string().regex(/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u),
  dstVariableName: z.string().regex(/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u),
});

const hashSeed = 0x3c1a_7e55;
/** How long the debugger's thread may take to come up, in milliseconds. */
const attachLimitMs = 20_000;
/** How long an interrupt waits until a stopped cell goes on, in milliseconds. */
const releaseLimitMs = 500;

/** Commands that go to the session as they are. */
const forwarded = new Set([
  "threads",
  "continue",
  "next",
  "stepIn",
  "stepOut",
  "pause",
  "stackTrace",
  "scopes",
  "variables",
  "setVariable",
  "evaluate",
  "exceptionInfo",
  "modules",
  "inspectVariables",
  "richInspectVariables",
]);

/** JupyterLab reads the lists of a reply also when the request failed, as it does when the thread has just gone on. */
const emptyBodies: Record<string, Record<string, unknown[]>> = {
  variables: { variables: [] },
  inspectVariables: { variables: [] },
  scopes: { scopes: [] },
  stackTrace: { stackFrames: [] },
  setBreakpoints: { breakpoints: [] },
  modules: { modules: [] },
};

const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsModulesRequest: true,
  supportsExceptionInfoRequest: true,
  supportsTerminateRequest: true,
  supportsDelayedStackTraceLoading: true,
  exceptionBreakpointFilters: [
    { filter: "all", label: "All exceptions", description: "Stop wherever code of a cell throws", default: false },
    {
      filter: "uncaught",
      label: "Uncaught exceptions",
      description: "Stop where something is thrown that no code catches",
      default: false,
    },
  ],
};

/**
 * The debugger as clients see it: it knows the breakpoints and the code of cells, and asks the thread beside the
 * session's main thread for the rest. A new session process gets everything again.
 */
export class Debugger {
  readonly #outputs: Outputs;
  readonly #session: Session;
  readonly #adopt: (name: string) => Promise<void>;
  readonly #cellFiles: CellFiles = {
    prefix: join(tmpdir(), `cirlab_${process.pid}`) + sep,
    seed: hashSeed,
    suffix: ".ts",
  };
  readonly #cells = new Map<string, string>();
  readonly #breakpoints = new Map<string, WantedBreakpoint[]>();
  readonly #waiting = new Map<number, { resolve(body: unknown): void; reject(error: Error): void }>();
  #exceptionFilters: string[] = [];
  #hasPythonTypes = false;
  #isAttached = false;
  #isStopped = false;
  #lastId = 0;
  #lastSeq = 0;

  /** @param parts `adopt` makes a name known to the cells to come. */
  constructor(parts: { outputs: Outputs; session: Session; adopt: (name: string) => Promise<void> }) {
    this.#outputs = parts.outputs;
    this.#session = parts.session;
    this.#adopt = parts.adopt;
  }

  /** Content of the reply to a debug_request. */
  async answer(content: unknown): Promise<Record<string, unknown>> {
    const parsed = requestSchema.safeParse(content);
    if (!parsed.success) {
      const { seq, command } = (content ?? {}) as { seq?: unknown; command?: unknown };
      return this.#response({ seq, command }, { error: `Malformed debug_request: ${z.prettifyError(parsed.error)}` });
    }
    try {
      return this.#response(parsed.data, { body: await this.#handle(parsed.data) });
    } catch (error) {
      const text = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      return this.#response(parsed.data, { error: text });
    }
  }

  /** Lets a stopped cell go on, past all breakpoints, so that it can be interrupted. */
  async release(): Promise<void> {
    if (this.#isStopped) await this.#ask("release", {}, releaseLimitMs).catch(() => undefined);
  }

  /** Lets everything go on before the kernel ends. */
  close(): void {
    if (this.#isAttached) void this.#ask("disconnect", {}).catch(() => undefined);
    this.#isAttached = false;
  }

  /** A message of the debugger's thread. */
  receive(message: FromDebugger): void {
    if (message.type === "event") {
      this.#onEvent(message.event, message.body);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.body);
    else waiting?.reject(new Error(message.error));
  }

  /** The session process is gone; the next one is debugged as it was. */
  lost(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error("The session process has ended."));
    this.#waiting.clear();
    if (this.#isStopped) this.#onEvent("continued", { threadId: 1, allThreadsContinued: true });
    if (!this.#isAttached) return;
    // The new process is there when this is over.
    const attached = new Promise(setImmediate).then(() => this.#attach()).catch(() => undefined);
    this.#session.delayRuns(attached);
  }

  async #handle({ command, arguments: given }: DapRequest): Promise<unknown> {
    const args = given ?? {};
    switch (command) {
      case "initialize":
        this.#hasPythonTypes = args.clientID === "jupyterlab";
        return capabilities;
      case "attach":
      case "launch":
        await this.#attach();
        this.#isAttached = true;
        this.#event("initialized", {});
        return {};
      case "configurationDone":
        return {};
      case "debugInfo":
        return this.#info();
      case "dumpCell": {
        const { code } = dumpSchema.parse(args);
        const sourcePath = `${this.#cellFiles.prefix}${murmur2(code, hashSeed)}${this.#cellFiles.suffix}`;
        this.#cells.set(sourcePath, code);
        return { sourcePath };
      }
      case "source":
        return this.#source(sourceSchema.parse(args).source.path);
      case "setBreakpoints":
        return this.#setBreakpoints(breakpointsSchema.parse(args));
      case "setExceptionBreakpoints": {
        const { filters } = filterSchema.parse(args);
        this.#exceptionFilters = filters;
        return this.#isAttached ? this.#ask(command, { filters }) : {};
      }
      case "copyToGlobals": {
        const { dstVariableName } = nameSchema.parse(args);
        await this.#ask(command, args);
        await this.#adopt(dstVariableName);
        return {};
      }
      case "disconnect":
      case "terminate":
        if (this.#isAttached) await this.#ask("disconnect", {});
        this.#isAttached = false;
        this.#isStopped = false;
        if (command === "terminate") this.#event("terminated", {});
        return {};
    }
    if (!forwarded.has(command)) throw new Error(`The debugger does not know the command "${command}".`);
    return this.#ask(command, args);
  }

  async #attach(): Promise<void> {
    const args: AttachArguments = {
      cellFiles: this.#cellFiles,
      hasPythonTypes: this.#hasPythonTypes,
      breakpoints: [...this.#breakpoints].map(([path, breakpoints]) => ({ path, breakpoints })),
      exceptionFilters: this.#exceptionFilters,
    };
    await this.#post("attach", { ...args }, attachLimitMs);
  }

  #info(): Record<string, unknown> {
    return {
      isStarted: this.#isAttached,
      hashMethod: "Murmur2",
      hashSeed,
      tmpFilePrefix: this.#cellFiles.prefix,
      tmpFileSuffix: this.#cellFiles.suffix,
      breakpoints: [...this.#breakpoints].map(([source, breakpoints]) => ({ source, breakpoints })),
      stoppedThreads: this.#isStopped ? [1] : [],
      richRendering: true,
      exceptionPaths: [],
      copyToGlobals: true,
    };
  }

  async #source(path: string): Promise<{ content: string; mimeType: string }> {
    const content = this.#cells.get(path) ?? (await readFile(path, "utf8").catch(() => undefined));
    if (content === undefined) throw new Error(`There is no source with the path ${path}.`);
    return { content, mimeType: "text/x-typescript" };
  }

  async #setBreakpoints({ source: { path }, breakpoints }: z.infer<typeof breakpointsSchema>): Promise<unknown> {
    const wanted = breakpoints.map(({ line, condition, logMessage }) => ({
      line,
      condition: condition ?? undefined,
      logMessage: logMessage ?? undefined,
    }));
    const set = this.#isAttached
      ? ((await this.#ask("setBreakpoints", { path, breakpoints: wanted })) as { breakpoints: BoundBreakpoint[] })
      : { breakpoints: wanted.map(({ line }, i) => ({ id: -i - 1, verified: false, line, source: { path } })) };
    this.#breakpoints.set(
      path,
      wanted.map((breakpoint, i) => ({ ...breakpoint, line: set.breakpoints[i]?.line ?? breakpoint.line })),
    );
    if (wanted.length === 0) this.#breakpoints.delete(path);
    return set;
  }

  #ask(command: string, args: Args, limitMs?: number): Promise<unknown> {
    if (!this.#isAttached) return Promise.reject(new Error('The debugger is not attached: send "attach" first.'));
    return this.#post(command, args, limitMs);
  }

  #post(command: string, args: Args, limitMs?: number): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer =
        limitMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#waiting.delete(id);
              reject(new Error("The session does not answer: it is inside a built-in operation. Try again later."));
            }, limitMs);
      const settled = () => clearTimeout(timer);
      this.#waiting.set(id, {
        resolve: (body) => {
          settled();
          resolve(body);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#session.debug({ id, command, args });
    });
  }

  #onEvent(event: string, body: Record<string, unknown>): void {
    if (event === "stopped") this.#isStopped = true;
    if (event === "continued") this.#isStopped = false;
    this.#event(event, body);
  }

  #event(event: string, body: Record<string, unknown>): void {
    this.#outputs.publish("debug_event", { seq: ++this.#lastSeq, type: "event", event, body }, undefined);
  }

  #response(
    { seq, command }: { seq?: unknown; command?: unknown },
    outcome: { body?: unknown; error?: string },
  ): Record<string, unknown> {
    return {
      seq: ++this.#lastSeq,
      type: "response",
      request_seq: typeof seq === "number" ? seq : 0,
      command: typeof command === "string" ? command : "",
      success: outcome.error === undefined,
      ...(outcome.error === undefined
        ? { body: outcome.body ?? {} }
        : { message: outcome.error, body: emptyBodies[String(command)] ?? {} }),
    };
  }
}
