import type { Runtime } from "node:inspector";
import type { Inspector } from "./inspector.ts";
import { pythonTypeText, typeText, valueText } from "./values.ts";

/** A variable as the Debug Adapter Protocol tells it. */
export interface Variable {
  name: string;
  value: string;
  type?: string;
  /** Under this number its parts are asked for; 0 if it has none. */
  variablesReference: number;
  evaluateName?: string;
  namedVariables?: number;
  indexedVariables?: number;
}

export interface Page {
  filter?: "indexed" | "named" | undefined;
  start?: number | undefined;
  count?: number | undefined;
}

type Holder =
  | { kind: "object"; objectId: string; indexed: number; entries: "map" | "set" | "array" | undefined }
  | { kind: "range"; of: Extract<Holder, { kind: "object" }>; start: number; count: number }
  | { kind: "list"; read: () => Promise<Runtime.PropertyDescriptor[]> };

/** Of longer lists, clients that do not ask for pages get groups of this many. */
const groupSize = 100;

/** Names that generated code has besides those of the user. */
const hiddenName = /^(?:\$(?:steps\d+|args|error|result)|__kernel|__load|__meta|__esModule|tsLastExpr)$/;

/** The values that the client may look into. They are kept alive until `clear`. */
export class Variables {
  readonly #inspector: Inspector;
  readonly #group: string;
  readonly #hasPythonTypes: boolean;
  readonly #firstReference: number;
  #holders: Holder[] = [];

  /** @param firstReference references count up from here, so that several stores share their numbers. */
  constructor(inspector: Inspector, options: { group: string; hasPythonTypes: boolean; firstReference: number }) {
    this.#inspector = inspector;
    this.#group = options.group;
    this.#hasPythonTypes = options.hasPythonTypes;
    this.#firstReference = options.firstReference;
  }

  get group(): string {
    return this.#group;
  }

  holds(reference: number): boolean {
    return this.#holders[reference - this.#firstReference] !== undefined;
  }

  /** Lets go of all values. */
  async clear(): Promise<void> {
    this.#holders = [];
    await this.#inspector.post("Runtime.releaseObjectGroup", { objectGroup: this.#group });
  }

  /** A reference to properties that are read when they are asked for: those of a scope. */
  addList(read: () => Promise<Runtime.PropertyDescriptor[]>): number {
    return this.#add({ kind: "list", read });
  }

  /** A value under a name. */
  variable(name: string, value: Runtime.RemoteObject, evaluateName = name): Variable {
    const type = this.#hasPythonTypes ? pythonTypeText(value) : typeText(value);
    const text =
      this.#hasPythonTypes && value.type === "string" ? String(value.value).slice(0, 10_000) : valueText(value);
    const base = { name, value: text, ...(type === undefined ? {} : { type }), evaluateName };
    if (value.objectId === undefined) return { ...base, variablesReference: 0 };
    const indexed = lengthOf(value);
    const variablesReference = this.#add({
      kind: "object",
      objectId: value.objectId,
      indexed,
      entries: value.subtype === "map" || value.subtype === "set" ? value.subtype : indexed > 0 ? "array" : undefined,
    });
    return { ...base, variablesReference, ...(indexed > 0 ? { indexedVariables: indexed } : {}) };
  }

  /** The parts of a value. */
  async read(reference: number, page: Page): Promise<Variable[]> {
    const holder = this.#holders[reference - this.#firstReference];
    if (!holder) throw new Error(`There is no variable with the reference ${reference} (any more).`);
    switch (holder.kind) {
      case "list":
        return paged(this.#describe(await holder.read()), page);
      case "range":
        return this.#readIndexed(holder.of, holder.start, holder.count);
      case "object":
        return this.#readObject(holder, page);
    }
  }

  /** Sets one part of a value, or of a list whose object is known. */
  async set(reference: number, name: string, value: Runtime.CallArgument): Promise<Runtime.RemoteObject> {
    const holder = this.#holders[reference - this.#firstReference];
    if (holder?.kind !== "object") throw new Error(`"${name}" cannot be set here.`);
    const { result, exceptionDetails } = await this.#inspector.post<Runtime.CallFunctionOnReturnType>(
      "Runtime.callFunctionOn",
      {
        objectId: holder.objectId,
        functionDeclaration: "function(name,value){this[name]=value;return this[name]}",
        arguments: [{ value: name }, value],
        objectGroup: this.#group,
        generatePreview: true,
      },
    );
    if (exceptionDetails) throw new Error(exceptionText(exceptionDetails));
    return result;
  }

  #add(holder: Holder): number {
    return this.#holders.push(holder) - 1 + this.#firstReference;
  }

  async #readObject(holder: Extract<Holder, { kind: "object" }>, page: Page): Promise<Variable[]> {
    const { indexed } = holder;
    const indexedPart = async (): Promise<Variable[]> => {
      if (indexed === 0 || page.filter === "named") return [];
      if (page.count !== undefined && page.count > 0) {
        const start = page.start ?? 0;
        return this.#readIndexed(holder, start, Math.min(page.count, indexed - start));
      }
      const start = page.filter === "indexed" ? (page.start ?? 0) : 0;
      if (indexed - start <= groupSize) return this.#readIndexed(holder, start, indexed - start);
      return this.#ranges(holder, start, indexed - start);
    };
    const list = await indexedPart();
    if (page.filter === "indexed") return list;
    if (page.filter === undefined && page.count !== undefined && page.count > 0 && indexed > 0) return list;
    const named = this.#describe(await this.#named(holder));
    return [...list, ...(indexed > 0 ? named : paged(named, page))];
  }

  /** Groups of equal size, of groups where there are many. */
  #ranges(of: Extract<Holder, { kind: "object" }>, start: number, count: number): Variable[] {
    let size = groupSize;
    while (count / size > groupSize) size *= groupSize;
    const groups: Variable[] = [];
    for (let at = start; at < start + count; at += size) {
      const length = Math.min(size, start + count - at);
      groups.push({
        name: `[${at}…${at + length - 1}]`,
        value: "",
        variablesReference: this.#add({ kind: "range", of, start: at, count: length }),
      });
    }
    return groups;
  }

  async #readIndexed(of: Extract<Holder, { kind: "object" }>, start: number, count: number): Promise<Variable[]> {
    if (count > groupSize * 10) return this.#ranges(of, start, count);
    const { result } = await this.#inspector.post<Runtime.CallFunctionOnReturnType>("Runtime.callFunctionOn", {
      objectId: of.objectId,
      functionDeclaration: readers[of.entries ?? "array"],
      arguments: [{ value: start }, { value: count }],
      objectGroup: this.#group,
    });
    const found = await this.#properties(result.objectId!, { ownProperties: true });
    const values = found.filter(({ name }) => /^\d+$/.test(name));
    if (of.entries !== "map") {
      return this.#describe(values.map((property) => ({ ...property, name: String(start + Number(property.name)) })));
    }
    const pairs: Variable[] = [];
    for (let i = 0; i + 1 < values.length; i += 2) {
      pairs.push(...this.#describe([{ ...values[i + 1]!, name: valueText(values[i]!.value!) }]));
    }
    return pairs;
  }

  /** Properties that are no elements: own ones, private fields, and the getters of the class. */
  async #named(holder: Extract<Holder, { kind: "object" }>): Promise<Runtime.PropertyDescriptor[]> {
    const { objectId, entries } = holder;
    const own = await this.#inspector.post<
      Runtime.GetPropertiesReturnType & { privateProperties?: Runtime.PropertyDescriptor[] }
    >("Runtime.getProperties", {
      objectId,
      ownProperties: true,
      generatePreview: true,
      ...(entries === "array" ? { nonIndexedPropertiesOnly: true } : {}),
    });
    const inherited = entries
      ? []
      : await this.#properties(objectId, { ownProperties: false, accessorPropertiesOnly: true });
    const inner = (own.internalProperties ?? []).filter(
      ({ name, value }) =>
        value &&
        !/^\[\[(?:Prototype|Entries|FunctionLocation|Scopes|ArrayBufferByteLength|ArrayBufferData|Int8Array|Uint8Array|Int16Array|Int32Array)\]\]$/.test(
          name,
        ),
    ) as unknown as Runtime.PropertyDescriptor[];
    const names = new Set(own.result.map(({ name }) => name));
    return [
      ...own.result.filter(({ name }) => !(entries === "array" && name === "length")),
      ...(own.privateProperties ?? []),
      ...inherited.filter(({ name, isOwn }) => !isOwn && name !== "__proto__" && !names.has(name)),
      ...inner,
    ];
  }

  /** A getter is named, and not called. */
  #describe(properties: readonly Runtime.PropertyDescriptor[]): Variable[] {
    return properties
      .filter(({ name }) => !hiddenName.test(name))
      .map(({ name, value, get }) => {
        if (value) return this.variable(name, value);
        const hasGetter = get && get.type !== "undefined";
        return { name, value: hasGetter ? "(getter)" : "undefined", variablesReference: 0, evaluateName: name };
      });
  }

  async #properties(objectId: string, options: object): Promise<Runtime.PropertyDescriptor[]> {
    const { result } = await this.#inspector.post<Runtime.GetPropertiesReturnType>("Runtime.getProperties", {
      objectId,
      generatePreview: true,
      ...options,
    });
    return result;
  }
}

/** Functions that give a piece of a list without calling code of the user. */
const readers = {
  array: "function(start,count){const piece=[];for(let i=0;i<count;i++)piece[i]=this[start+i];return piece}",
  set: `function(start,count){const piece=[];let i=0;for(const value of Set.prototype.values.call(this)){
    if(i>=start+count)break;if(i++>=start)piece.push(value)}return piece}`,
  map: `function(start,count){const piece=[];let i=0;for(const [key,value] of Map.prototype.entries.call(this)){
    if(i>=start+count)break;if(i++>=start)piece.push(key,value)}return piece}`,
};

function lengthOf({ subtype, description }: Runtime.RemoteObject): number {
  if (subtype !== "array" && subtype !== "typedarray" && subtype !== "map" && subtype !== "set") return 0;
  return Number(/\((\d+)\)$/.exec(description ?? "")?.[1] ?? 0);
}

function paged<T>(list: T[], { start = 0, count }: Page): T[] {
  return count !== undefined && count > 0 ? list.slice(start, start + count) : list.slice(start);
}

/** What an evaluation threw, in one line. */
export function exceptionText({ exception, text }: Runtime.ExceptionDetails): string {
  return (exception?.description ?? (exception ? valueText(exception) : text)).split("\n")[0]!;
}
