import type { Debugger, Runtime } from "node:inspector";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../../package.ts";
import { Breakpoints } from "./breakpoints.ts";
import { Control, type StepKind } from "./control.ts";
import { translateExpression } from "./expressions.ts";
import { Inspector } from "./inspector.ts";
import { argument } from "./paused.ts";
import { type AttachArguments, accessSymbol, type WantedBreakpoint } from "./protocol.ts";
import { Scripts } from "./scripts.ts";
import { exceptionText, type Page, type Variable, Variables } from "./variables.ts";

type Args = Record<string, unknown>;
/** Tells the client something that it did not ask for. */
export type SendEvent = (event: string, body: Record<string, unknown>) => void;

/** The session's main thread is the only one that clients see. */
export const threadId = 1;

const accessExpression = `globalThis[Symbol.for(${JSON.stringify(accessSymbol)})]`;
/** Asynchronous calls that a stop remembers. */
const asyncDepth = 16;

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
/** Scripts that steps pass over: the kernel's, those of packages, and Node.js's own. */
const hiddenScripts = [escaped(join(packageRoot, "dist")), "[\\\\/]node_modules[\\\\/]", "^node:"];

/** Everything of one attachment to the main thread. */
interface Attachment {
  scripts: Scripts;
  breakpoints: Breakpoints;
  control: Control;
  /** Values of the variable explorer, and of evaluations while nothing is stopped. */
  explorer: Variables;
  /** The main thread's `DebugAccess`. */
  access: string;
  hasPythonTypes: boolean;
}

const frameArgs = z.looseObject({ frameId: z.number().optional() });
const pageShape = {
  variablesReference: z.number(),
  filter: z.enum(["indexed", "named"]).nullish(),
  start: z.number().int().min(0).nullish(),
  count: z.number().int().min(0).nullish(),
};

/** Translates the Debug Adapter Protocol to the inspector's. */
export class Adapter {
  readonly #inspector = new Inspector();
  readonly #send: SendEvent;
  #attached: Attachment | undefined;
  #explored: Promise<unknown> = Promise.resolve();
  /** Handling of scripts and stops, in their order. */
  #events: Promise<void> = Promise.resolve();

  constructor(send: SendEvent) {
    this.#send = send;
    this.#inspector.on<Debugger.ScriptParsedEventDataType>("Debugger.scriptParsed", (script) =>
      this.#inOrder((attached) => this.#onScript(attached, script)),
    );
    this.#inspector.on<Debugger.PausedEventDataType>("Debugger.paused", (event) =>
      this.#inOrder(({ control }) => control.onPaused(event)),
    );
  }

  /** Answers a request; a failure is the rejection's message. */
  async handle(command: string, args: Args): Promise<unknown> {
    if (command === "attach") return this.#attach(args as unknown as AttachArguments);
    if (command === "disconnect") return this.#detach();
    const attached = this.#attached;
    if (!attached) throw new Error("The debugger is not attached.");
    const { control } = attached;
    switch (command) {
      case "release":
        return control.release();
      case "setBreakpoints": {
        const { path, breakpoints } = args as { path: string; breakpoints: WantedBreakpoint[] };
        return { breakpoints: await attached.breakpoints.set(path, breakpoints) };
      }
      case "setExceptionBreakpoints":
        await control.setExceptionFilters(args.filters as string[]);
        return {};
      case "threads":
        return { threads: [{ id: threadId, name: "Notebook" }] };
      case "continue":
        await control.continue();
        return { allThreadsContinued: true };
      case "next":
      case "stepIn":
      case "stepOut":
        return control.step(command satisfies StepKind);
      case "pause":
        return control.pause();
      case "stackTrace": {
        const { startFrame = 0, levels = 0 } = z
          .looseObject({ startFrame: z.number().optional(), levels: z.number().optional() })
          .parse(args);
        // Clients may ask at the moment when the thread goes on.
        return control.stop?.stackTrace(startFrame, levels) ?? { stackFrames: [], totalFrames: 0 };
      }
      case "scopes":
        return { scopes: await control.stopped.scopes(control.stopped.frame(args.frameId)) };
      case "variables":
        return { variables: await this.#variables(attached, args) };
      case "setVariable":
        return this.#setVariable(attached, args);
      case "evaluate":
        return this.#evaluate(attached, args);
      case "exceptionInfo":
        return this.#exceptionInfo(attached);
      case "modules": {
        const modules = attached.scripts.files.map(({ id, name, path }) => ({ id, name, path }));
        return { modules, totalModules: modules.length };
      }
      case "inspectVariables":
        return { variables: await this.#oneExplorer(attached) };
      case "richInspectVariables":
        return this.#richInspect(attached, args);
      case "copyToGlobals":
        return this.#copyToNotebook(attached, args);
      default:
        throw new Error(`The debugger does not know the command "${command}".`);
    }
  }

  async #attach(wanted: AttachArguments): Promise<unknown> {
    if (this.#attached) await this.#detach();
    const inspector = this.#inspector;
    inspector.connect();
    const { result } = await inspector.post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: accessExpression,
    });
    const access = result.objectId!;
    const { hasPythonTypes } = wanted;
    const scripts = new Scripts(inspector, (url) => this.#call(access, "script", [{ value: url }]), wanted.cellFiles);
    const control = new Control({
      inspector,
      scripts,
      hasPythonTypes,
      hasSeen: async (error) => Boolean(await this.#call(access, "hasSeen", [argument(error)])),
      stopped: (reason, text) =>
        this.#send("stopped", {
          reason,
          threadId,
          allThreadsStopped: true,
          ...(text === undefined ? {} : { text, description: text }),
        }),
      continued: () => this.#send("continued", { threadId, allThreadsContinued: true }),
    });
    const attached: Attachment = {
      scripts,
      control,
      access,
      hasPythonTypes,
      breakpoints: new Breakpoints(
        { inspector, scripts, translate: (expression) => translateExpression(expression, undefined) },
        (breakpoint) => this.#send("breakpoint", { reason: "changed", breakpoint }),
      ),
      explorer: new Variables(inspector, { group: "explorer", hasPythonTypes, firstReference: 1 }),
    };
    this.#attached = attached;
    await inspector.post("Debugger.setBlackboxPatterns", { patterns: hiddenScripts }).catch(() => undefined);
    await inspector.post("Debugger.enable");
    await inspector.post("Debugger.setBlackboxPatterns", { patterns: hiddenScripts });
    await inspector.post("Debugger.setAsyncCallStackDepth", { maxDepth: asyncDepth });
    // The scripts that exist were all announced by now.
    await this.#events;
    for (const { path, breakpoints } of wanted.breakpoints) await attached.breakpoints.set(path, breakpoints);
    await control.setExceptionFilters(wanted.exceptionFilters);
    await this.#callVoid(access, "function(){this.isAttached=true}");
    return {};
  }

  /** Lets the main thread go; what stopped there goes on. */
  async #detach(): Promise<unknown> {
    const attached = this.#attached;
    this.#attached = undefined;
    if (!attached) return {};
    const { control, access } = attached;
    // Its callbacks may not come any more once the session is closed.
    await this.#callVoid(access, "function(){this.detach()}").catch(() => undefined);
    if (control.stop) this.#send("continued", { threadId, allThreadsContinued: true });
    control.close();
    this.#inspector.disconnect();
    return {};
  }

  #inOrder(handle: (attached: Attachment) => Promise<void>): void {
    const attached = this.#attached;
    if (!attached) return;
    this.#events = this.#events.then(() => handle(attached)).catch(() => undefined);
  }

  async #onScript(attached: Attachment, event: Debugger.ScriptParsedEventDataType): Promise<void> {
    let script: Awaited<ReturnType<Scripts["add"]>>;
    try {
      script = await attached.scripts.add(event);
      if (!script) return;
      if (script.isCell) await attached.control.beforeCell();
      await attached.breakpoints.bind(script);
    } finally {
      if (script) await this.#call(attached.access, "release", [{ value: script.label }]);
    }
  }

  async #variables({ control, explorer }: Attachment, args: Args): Promise<Variable[]> {
    const { variablesReference, filter, start, count } = z.looseObject(pageShape).parse(args);
    const page: Page = { filter: filter ?? undefined, start: start ?? undefined, count: count ?? undefined };
    const store = explorer.holds(variablesReference) ? explorer : control.stop?.variables;
    if (!store) throw new Error(`There is no variable with the reference ${variablesReference} (any more).`);
    return store.read(variablesReference, page);
  }

  async #setVariable(attached: Attachment, args: Args): Promise<Variable> {
    const { variablesReference, name, value } = z
      .looseObject({ variablesReference: z.number(), name: z.string(), value: z.string() })
      .parse(args);
    const { control, explorer } = attached;
    const isExplored = explorer.holds(variablesReference);
    if (!isExplored && control.stop) {
      return control.stop.variables.variable(name, await control.stop.setVariable(variablesReference, name, value));
    }
    const result = await this.#evaluateFreely(attached, value);
    return explorer.variable(name, await explorer.set(variablesReference, name, argument(result)));
  }

  async #evaluate(attached: Attachment, args: Args): Promise<unknown> {
    const { expression, frameId } = frameArgs.extend({ expression: z.string() }).parse(args);
    const { stop } = attached.control;
    const store = stop?.variables ?? attached.explorer;
    const value = stop
      ? await stop.evaluate(frameId === undefined ? stop.frames[0]! : stop.frame(frameId), expression)
      : await this.#evaluateFreely(attached, expression);
    const { value: result, name: _, evaluateName: __, ...rest } = store.variable("", value);
    return { result, ...rest };
  }

  /** Evaluates while nothing is stopped. */
  async #evaluateFreely({ explorer }: Attachment, code: string): Promise<Runtime.RemoteObject> {
    const { result, exceptionDetails } = await this.#inspector.post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: await translateExpression(code, new Map()),
      replMode: true,
      awaitPromise: true,
      objectGroup: explorer.group,
      generatePreview: true,
      silent: true,
    });
    if (exceptionDetails) throw new Error(exceptionText(exceptionDetails));
    return result;
  }

  #exceptionInfo({ control }: Attachment): unknown {
    const { exception } = control.stopped;
    if (!exception) throw new Error("The program did not stop because of an exception.");
    const description = exception.description ?? String(exception.value);
    return {
      exceptionId: exception.className ?? exception.type,
      description: description.split("\n")[0],
      breakMode: "always",
      details: { stackTrace: description },
    };
  }

  /** A front end asks at every output of a cell; one request must not take the values of the one before. */
  #oneExplorer(attached: Attachment): Promise<Variable[]> {
    const variables = this.#explored.then(() => this.#inspectVariables(attached));
    this.#explored = variables.catch(() => undefined);
    return variables;
  }

  /** All names of the notebook. */
  async #inspectVariables({ explorer, access }: Attachment): Promise<Variable[]> {
    await explorer.clear();
    const { result } = await this.#inspector.post<Runtime.CallFunctionOnReturnType>("Runtime.callFunctionOn", {
      objectId: access,
      functionDeclaration: "function(){return this.names}",
      objectGroup: explorer.group,
    });
    const { variablesReference } = explorer.variable("Notebook", result);
    return explorer.read(variablesReference, { filter: "named" });
  }

  /** A variable as the notebook would show it. */
  async #richInspect(attached: Attachment, args: Args): Promise<unknown> {
    const { variableName, frameId } = frameArgs.extend({ variableName: z.string() }).parse(args);
    const { control, access } = attached;
    const nothing = { data: {}, metadata: {} };
    if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(variableName)) return nothing;
    const { stop } = control;
    if (!stop) {
      const name = [{ value: variableName }];
      const data = await this.#call<Record<string, unknown>>(
        access,
        "bundle",
        name,
        "function(name){return Object.hasOwn(this.names,name)?this.bundle(this.names[name]):{}}",
      );
      return { data, metadata: {} };
    }
    const frame = stop.frames.find(({ id }) => id === frameId) ?? stop.frames[0]!;
    const value = await stop.evaluate(frame, variableName).catch(() => undefined);
    if (!value) return nothing;
    const own = await this.#call<Record<string, unknown> | undefined>(access, "bundleAtOnce", [argument(value)]);
    return { data: own ?? { "text/plain": stop.variables.variable("", value).value }, metadata: {} };
  }

  async #copyToNotebook({ control, access }: Attachment, args: Args): Promise<unknown> {
    const { srcVariableName, dstVariableName, srcFrameId } = z
      .looseObject({ srcVariableName: z.string(), dstVariableName: z.string(), srcFrameId: z.number() })
      .parse(args);
    const stop = control.stopped;
    const value = await stop.evaluate(stop.frame(srcFrameId), srcVariableName);
    await this.#call(access, "setName", [{ value: dstVariableName }, argument(value)]);
    return {};
  }

  /** Calls a method of the main thread's `DebugAccess`. */
  async #call<T>(
    access: string,
    method: string,
    args: Runtime.CallArgument[],
    functionDeclaration = `function(...args){return this.${method}(...args)}`,
  ): Promise<T> {
    const { result, exceptionDetails } = await this.#inspector.post<Runtime.CallFunctionOnReturnType>(
      "Runtime.callFunctionOn",
      {
        objectId: access,
        functionDeclaration,
        arguments: args,
        returnByValue: true,
        awaitPromise: method === "bundle",
      },
    );
    if (exceptionDetails) throw new Error(exceptionText(exceptionDetails));
    return result.value as T;
  }

  async #callVoid(access: string, functionDeclaration: string): Promise<void> {
    await this.#inspector.post("Runtime.callFunctionOn", {
      objectId: access,
      functionDeclaration,
      returnByValue: true,
      silent: true,
    });
  }
}
