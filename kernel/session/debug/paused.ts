import type { Debugger, Runtime } from "node:inspector";
import { loopPrefix, namesExpression, translateExpression } from "./expressions.ts";
import type { Inspector } from "./inspector.ts";
import type { Place } from "./locations.ts";
import type { Script, Scripts } from "./scripts.ts";
import { Variables } from "./variables.ts";

/** A frame of the user. */
export interface Frame {
  id: number;
  call: Debugger.CallFrame;
  script: Script;
  place: Place;
}

/** What the compiler puts around the body of an async function. */
const drivenHead = "__kernel.async(";

/**
 * The user's frames among those of a stop: code that the compiler added, and that of the kernel, of Node.js and of
 * packages, is left out.
 */
export async function userFrames(calls: readonly Debugger.CallFrame[], scripts: Scripts): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (const call of calls) {
    const script = scripts.get(call.location.scriptId);
    const { lineNumber, columnNumber = 0 } = call.location;
    const place = script?.locations.toSource({ line: lineNumber, column: columnNumber });
    if (!script || !place || (await isDrivenHead(call, scripts))) continue;
    frames.push({ id: 0, call, script, place });
  }
  return frames;
}

/** Whether a frame is in the part of an async function that hands its body to the kernel. */
export async function isDrivenHead({ location }: Debugger.CallFrame, scripts: Scripts): Promise<boolean> {
  const text = await scripts.text(location.scriptId);
  const offset = await scripts.offsetOf(location);
  // The place of a call is that of its last name.
  const before = text.slice(
    Math.max(0, offset - `return ${drivenHead}`.length),
    offset + `return ${drivenHead}`.length,
  );
  return before.includes(`return ${drivenHead}`);
}

let lastFrameId = 0;
let lastReference = 1;
const referencesPerStop = 10_000_000;

/** One stop of the main thread, with what the client asks about it. */
export class Stop {
  readonly frames: Frame[];
  readonly variables: Variables;
  readonly exception: Runtime.RemoteObject | undefined;
  readonly #inspector: Inspector;
  readonly #scripts: Scripts;
  readonly #locals = new Map<Frame, Promise<Runtime.PropertyDescriptor[]>>();
  /** Frames by the references of their scopes "Notebook". */
  readonly #copiesOf = new Map<Frame, Map<string, string>>();
  readonly #notebooks = new Map<number, Frame>();
  #names: Promise<ReadonlySet<string>> | undefined;
  readonly #scopeOf = new Map<number, { frame: Frame; numbers: number[] }>();

  constructor(
    frames: Frame[],
    exception: Runtime.RemoteObject | undefined,
    parts: { inspector: Inspector; scripts: Scripts; hasPythonTypes: boolean },
  ) {
    this.frames = frames.map((frame) => ({ ...frame, id: ++lastFrameId }));
    this.exception = exception;
    this.#inspector = parts.inspector;
    this.#scripts = parts.scripts;
    lastReference += referencesPerStop;
    this.variables = new Variables(parts.inspector, {
      group: `stop ${lastFrameId}`,
      hasPythonTypes: parts.hasPythonTypes,
      firstReference: lastReference,
    });
  }

  frame(id: unknown): Frame {
    const frame = this.frames.find((candidate) => candidate.id === id);
    if (!frame) throw new Error(`There is no frame ${String(id)} (any more).`);
    return frame;
  }

  stackTrace(start: number, levels: number): { stackFrames: unknown[]; totalFrames: number } {
    const shown = this.frames.slice(start, levels > 0 ? start + levels : undefined);
    return {
      stackFrames: shown.map(({ id, call, script, place }) => ({
        id,
        name: call.functionName || script.name,
        source: { name: script.name, path: script.path },
        line: place.line + 1,
        column: place.column + 1,
      })),
      totalFrames: this.frames.length,
    };
  }

  /** The scopes of a frame that hold something; the notebook's names are always there. */
  async scopes(frame: Frame): Promise<unknown[]> {
    const scopes: unknown[] = [];
    const locals = await this.#localNumbers(frame);
    const closures = await this.#closureNumbers(frame, locals);
    for (const [name, numbers, hint] of [
      ["Locals", locals, "locals"],
      ["Closure", closures, undefined],
    ] as const) {
      const self = name === "Locals" ? await this.#self(frame) : [];
      const properties = [...self, ...(await this.#properties(frame, numbers))];
      if (properties.length === 0) continue;
      const variablesReference = this.variables.addList(() => Promise.resolve(properties));
      this.#scopeOf.set(variablesReference, { frame, numbers });
      scopes.push({ name, variablesReference, expensive: false, ...(hint ? { presentationHint: hint } : {}) });
    }
    const { result } = await this.#inspector.post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: namesExpression,
      objectGroup: this.variables.group,
    });
    const { variablesReference } = this.variables.variable("Notebook", result);
    this.#notebooks.set(variablesReference, frame);
    scopes.push({ name: "Notebook", variablesReference, expensive: false });
    return scopes;
  }

  /** Evaluates code of the user in a frame. */
  async evaluate(frame: Frame, code: string): Promise<Runtime.RemoteObject> {
    const copies = await this.#copies(frame);
    const locals = new Map((await this.#allLocals(frame)).map(({ name }) => [name, copies.get(name) ?? name]));
    const { result, exceptionDetails } = await this.#inspector.post<Debugger.EvaluateOnCallFrameReturnType>(
      "Debugger.evaluateOnCallFrame",
      {
        callFrameId: frame.call.callFrameId,
        expression: await translateExpression(code, locals),
        objectGroup: this.variables.group,
        generatePreview: true,
        silent: true,
      },
    );
    if (exceptionDetails) throw new Error((result.description ?? exceptionDetails.text).split("\n")[0]);
    return result;
  }

  /** Sets a variable of a scope, or a part of a value. */
  async setVariable(reference: number, name: string, code: string): Promise<Runtime.RemoteObject> {
    const scope = this.#scopeOf.get(reference);
    const notebook = this.#notebooks.get(reference);
    const frame = scope?.frame ?? notebook ?? this.frames[0]!;
    const value = await this.evaluate(frame, code);
    const numbers = scope?.numbers ?? (notebook ? ownScopes(notebook) : []);
    const copies = await this.#copies(frame);
    for (const scopeNumber of numbers) {
      const found = await this.#properties(frame, [scopeNumber]);
      const variableName = copies.get(name) ?? name;
      if (!found.some((property) => property.name === name) || (notebook && variableName === name)) continue;
      await this.#inspector.post("Debugger.setVariableValue", {
        scopeNumber,
        variableName,
        newValue: argument(value),
        callFrameId: frame.call.callFrameId,
      });
      if (!notebook) return value;
    }
    if (scope) throw new Error(`There is no variable "${name}" to set.`);
    return this.variables.set(reference, name, argument(value));
  }

  async #self({ call }: Frame): Promise<Runtime.PropertyDescriptor[]> {
    const self = call.this;
    const isOwn =
      self.type === "object" && self.subtype !== "null" && !/^(?:global|Object)$/.test(self.className ?? "");
    return isOwn ? [{ name: "this", value: self, configurable: false, enumerable: true }] : [];
  }

  /** Numbers of the scopes of the function itself; the head of an async function is a part of it. */
  async #localNumbers({ call }: Frame): Promise<number[]> {
    const numbers: number[] = [];
    const chain = call.scopeChain;
    let i = 0;
    for (; i < chain.length && chain[i]!.type !== "closure" && isOwnScope(chain[i]!); i++) numbers.push(i);
    const next = chain[i];
    if (next?.type === "closure" && (await this.#isDriven(next))) numbers.push(i);
    return numbers;
  }

  async #closureNumbers({ call }: Frame, locals: readonly number[]): Promise<number[]> {
    return call.scopeChain.flatMap((scope, i) => (isOwnScope(scope) && !locals.includes(i) ? [i] : []));
  }

  async #isDriven({ startLocation, endLocation }: Debugger.Scope): Promise<boolean> {
    if (!startLocation || !endLocation) return false;
    const text = await this.#scripts.text(startLocation.scriptId);
    const start = await this.#scripts.offsetOf(startLocation);
    const end = await this.#scripts.offsetOf(endLocation);
    return /^[^{]*\{\s*return __kernel\.async\(/.test(text.slice(start, end));
  }

  #allLocals(frame: Frame): Promise<Runtime.PropertyDescriptor[]> {
    let names = this.#locals.get(frame);
    if (!names) {
      names = this.#properties(frame, ownScopes(frame));
      this.#locals.set(frame, names);
    }
    return names;
  }

  /** Names of the notebook that the frame has copies of, with the names of these. */
  async #copies(frame: Frame): Promise<ReadonlyMap<string, string>> {
    await this.#allLocals(frame);
    return this.#copiesOf.get(frame) ?? new Map<string, string>();
  }

  #notebookNames(): Promise<ReadonlySet<string>> {
    this.#names ??= this.#inspector
      .post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
        expression: `Object.keys(${namesExpression})`,
        returnByValue: true,
      })
      .then(({ result }) => new Set(result.value as string[]));
    return this.#names;
  }

  /** The variables of scopes; an inner one hides an outer one of the same name. */
  async #properties(frame: Frame, numbers: readonly number[]): Promise<Runtime.PropertyDescriptor[]> {
    const found = new Map<string, Runtime.PropertyDescriptor>();
    const notebook = await this.#notebookNames();
    const copies = this.#copiesOf.get(frame) ?? new Map<string, string>();
    this.#copiesOf.set(frame, copies);
    for (const number of numbers) {
      const { object } = frame.call.scopeChain[number]!;
      const { result } = await this.#inspector.post<Runtime.GetPropertiesReturnType>("Runtime.getProperties", {
        objectId: object.objectId,
        ownProperties: true,
        generatePreview: true,
      });
      for (const property of result) {
        if (generatedNames.has(property.name)) continue;
        const original = property.name.slice(loopPrefix.length);
        const isCopy = frame.script.isCell && property.name.startsWith(loopPrefix) && notebook.has(original);
        const name = isCopy ? original : property.name;
        if (isCopy) copies.set(original, property.name);
        if (!found.has(name)) found.set(name, { ...property, name });
      }
    }
    return [...found.values()];
  }
}

/** What the functions around cells and files of the user have as parameters. */
const generatedNames = new Set([
  "exports",
  "require",
  "module",
  "__filename",
  "__dirname",
  "__kernel",
  "__load",
  "__meta",
  "arguments",
]);

function ownScopes({ call }: Frame): number[] {
  return call.scopeChain.flatMap((scope, i) => (isOwnScope(scope) ? [i] : []));
}

function isOwnScope({ type }: Debugger.Scope): boolean {
  return type !== "global" && type !== "script" && type !== "module";
}

/** A value for a call to the inspector. */
export function argument(value: Runtime.RemoteObject): Runtime.CallArgument {
  if (value.objectId !== undefined) return { objectId: value.objectId };
  return value.unserializableValue !== undefined
    ? { unserializableValue: value.unserializableValue }
    : { value: value.value as unknown };
}
