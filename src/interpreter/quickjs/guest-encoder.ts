import type { GuestHost } from "./guest-host.ts";

/** Values of the guest as text; `decode` reads it. */
export interface GuestEncoder {
  /** Values as one JSON array, to so many levels and so many items of each list. */
  encode(values: readonly unknown[], levels: number, items: number): string;
  /** A text alone. */
  quote(text: string): string;
  /** What an error says of itself; empty where it does not answer. */
  facts(error: Error): { name: string; message: string; stack: string };
}

/** Runs inside QuickJS beside `guest`, and like it uses nothing from outside of itself. */
export function guestEncoder(host: GuestHost): GuestEncoder {
  const quote = JSON.stringify as (text: string) => string;
  const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { ownKeys, apply } = Reflect;
  const { isArray } = Array;
  const { toString: tagOf } = Object.prototype;
  const { toString: sourceOf } = Function.prototype;
  const own = (value: object, key: PropertyKey) => getOwnPropertyDescriptor(value, key);
  const views = getPrototypeOf(Uint8Array.prototype) as object;
  const viewLength = own(views, "length")!.get!;
  const viewName = own(views, Symbol.toStringTag)!.get!;
  const mapEach = Map.prototype.forEach;
  const mapSize = own(Map.prototype, "size")!.get!;
  const setEach = Set.prototype.forEach;
  const setSize = own(Set.prototype, "size")!.get!;
  const dateTime = Date.prototype.getTime;
  const regexpText = RegExp.prototype.toString;
  const bigintOf = BigInt.prototype.valueOf;
  const weakHas = WeakMap.prototype.has;
  const weakSetHas = WeakSet.prototype.has;
  const symbolText = own(Symbol.prototype, "description")!.get!;
  const numberOf = Number.prototype.valueOf;
  const stringOf = String.prototype.valueOf;
  const booleanOf = Boolean.prototype.valueOf;
  const { slice, startsWith, indexOf } = String.prototype;
  const match = (expression: RegExp, text: string) => apply(RegExp.prototype.exec, expression, [text]) !== null;
  const text = String;

  const isOf = (method: (...args: never[]) => unknown, value: object): boolean => {
    try {
      apply(method, value, []);
      return true;
    } catch {
      return false;
    }
  };

  function primitive(value: unknown): string | undefined {
    switch (typeof value) {
      case "string":
        return quote(value);
      case "number":
        if (!(value - value === 0) || (value === 0 && 1 / value < 0))
          return `{"t":"number","v":${quote(value === 0 ? "-0" : text(value))}}`;
        return text(value);
      case "boolean":
        return text(value);
      case "undefined":
        return '{"t":"undefined"}';
      case "bigint":
        return `{"t":"bigint","v":"${text(value)}"}`;
      case "symbol": {
        const description = apply(symbolText, value, []);
        return `{"t":"symbol"${description === undefined ? "" : `,"v":${quote(description)}`}}`;
      }
      default:
        return value === null ? "null" : undefined;
    }
  }

  /** Name of the class, from the first constructor up the chain; null without any. */
  function className(value: object): string | null {
    for (let at: object | null = value, i = 0; at && i < 100; at = getPrototypeOf(at), i++) {
      const maker = own(at, "constructor")?.value;
      if (typeof maker === "function" && typeof maker.name === "string" && maker.name) return maker.name;
    }
    return null;
  }

  function encodeWith(roots: readonly unknown[], levels: number, items: number): string {
    const seen = new Map<object, number>();
    const has = Map.prototype.has.bind(seen);
    const get = Map.prototype.get.bind(seen);
    const set = Map.prototype.set.bind(seen);
    let count = 0;

    function any(value: unknown, level: number): string {
      const plain = primitive(value);
      if (plain !== undefined) return plain;
      const thing = value as object;
      if (has(thing)) return `{"t":"ref","i":${get(thing)}}`;
      const id = count++;
      set(thing, id);
      let node: string;
      try {
        node = object(thing, level, level >= levels ? 1 : items);
      } catch {
        node = '"t":"object","c":"Object"';
      }
      return `{"i":${id},${node}}`;
    }

    function object(thing: object, level: number, most: number): string {
      const name = className(thing);
      let head = `"c":${name === null ? "null" : quote(name)}`;
      const tag = (thing as Record<symbol, unknown>)[Symbol.toStringTag];
      if (typeof tag === "string" && tag !== name) head += `,"g":${quote(tag)}`;
      let skip: (key: PropertyKey) => boolean = () => false;
      const list = (values: string[], length: number) => `,"l":${length},"v":[${values.join(",")}]`;
      const kind = slice.call(tagOf.call(thing), 8, -1);
      let body: string;
      if (typeof thing === "function") {
        body = `"t":"function",${callable(thing as () => unknown)}`;
        skip = (key) => key === "prototype" || key === "length" || key === "name";
      } else if (isArray(thing)) {
        const { length } = thing;
        const values: string[] = [];
        for (let i = 0; i < length && i < most; i++)
          values[i] = own(thing, i) ? any(own(thing, i)!.value, level + 1) : '{"t":"hole"}';
        body = `"t":"array"${list(values, length)}`;
        skip = (key) => key === "length" || (typeof key === "string" && match(/^\d+$/, key));
      } else if (isOf(viewLength, thing) && apply(viewName, thing, []) !== undefined) {
        const length = apply(viewLength, thing, []) as number;
        const values: string[] = [];
        for (let i = 0; i < length && i < most; i++)
          values[i] = primitive((thing as unknown as Record<number, unknown>)[i])!;
        body = `"t":"view","n":${quote(apply(viewName, thing, []) as string)}${list(values, length)}`;
        skip = (key) => typeof key === "string" && match(/^\d+$/, key);
      } else if (isOf(mapSize, thing)) {
        const values: string[] = [];
        mapEach.call(thing as Map<unknown, unknown>, (value, key) => {
          if (values.length < 2 * most) values[values.length] = `${any(key, level + 1)},${any(value, level + 1)}`;
        });
        body = `"t":"map"${list(values, apply(mapSize, thing, []))}`;
      } else if (isOf(setSize, thing)) {
        const values: string[] = [];
        setEach.call(thing as Set<unknown>, (value) => {
          if (values.length < most) values[values.length] = any(value, level + 1);
        });
        body = `"t":"set"${list(values, apply(setSize, thing, []))}`;
      } else if (isOf(dateTime, thing)) body = `"t":"date","v":${primitive(dateTime.call(thing as Date))}`;
      else if (kind === "RegExp") {
        body = `"t":"regexp","v":${quote(regexpText.call(thing as RegExp))}`;
        skip = (key) => key === "lastIndex";
      } else if (kind === "Error" || thing instanceof Error) {
        const { name: label, message, stack } = facts(thing as Error);
        body = `"t":"error","n":${quote(label)},"m":${quote(message)},"s":${quote(stack)}`;
        skip = (key) => key === "stack" || key === "message";
        const cause = own(thing, "cause");
        if (cause) body += `,"cause":${any(cause.value, level + 1)}`;
      } else if (thing instanceof Promise) {
        const [state, value] = host.promiseState(thing);
        body = `"t":"promise","p":${state}${state === 0 ? "" : `,"v":[${any(value, level + 1)}]`}`;
      } else if (isOf(numberOf, thing)) body = `"t":"box","v":[${primitive(numberOf.call(thing))}]`;
      else if (isOf(booleanOf, thing)) body = `"t":"box","v":[${booleanOf.call(thing as never)}]`;
      else if (isOf(bigintOf, thing)) body = `"t":"box","v":[${primitive(bigintOf.call(thing as never))}]`;
      else if (isOf(weakHas, thing)) body = '"t":"weakMap"';
      else if (isOf(weakSetHas, thing)) body = '"t":"weakSet"';
      else if (isOf(stringOf, thing)) {
        body = `"t":"box","v":[${quote(stringOf.call(thing as never))}]`;
        skip = (key) => key === "length" || (typeof key === "string" && match(/^\d+$/, key));
      } else body = '"t":"object"';
      const shown: string[] = [];
      for (const key of ownKeys(thing)) {
        if (shown.length >= most && most === 1) break;
        if (skip(key)) continue;
        const found = own(thing, key);
        if (!found?.enumerable) continue;
        const label = typeof key === "symbol" ? primitive(key)! : quote(key as string);
        const [reads, writes] = [own(found, "get")?.value, own(found, "set")?.value];
        const value =
          reads || writes
            ? `{"t":"accessor","v":"${reads ? "g" : ""}${writes ? "s" : ""}"}`
            : level >= levels
              ? "0"
              : any(found.value, level + 1);
        shown[shown.length] = `${label},${value}`;
      }
      return `${body},${head}${shown.length ? `,"k":[${shown.join(",")}]` : ""}`;
    }

    const parts: string[] = [];
    for (let i = 0; i < roots.length; i++) parts[i] = any(roots[i], 0);
    return `[${parts.join(",")}]`;
  }

  function callable(thing: () => unknown): string {
    const source = sourceOf.call(thing);
    const name = own(thing, "name")?.value;
    const label = quote(typeof name === "string" ? name : "");
    if (match(/^class\b/, source)) {
      const parent = getPrototypeOf(thing) as { name?: unknown } | null;
      const of = parent && typeof parent.name === "string" && parent.name ? `,"x":${quote(parent.name)}` : "";
      return `"f":"class","n":${label}${of}`;
    }
    const kinds = { AsyncFunction: "async", GeneratorFunction: "generator", AsyncGeneratorFunction: "asyncGenerator" };
    const kind = slice.call(tagOf.call(thing), 8, -1);
    return `"f":"${own(kinds, kind)?.value ?? "plain"}","n":${label}`;
  }

  function facts(error: Error): { name: string; message: string; stack: string } {
    const read = (key: "name" | "message" | "stack"): string => {
      try {
        const value: unknown = error[key];
        return value === undefined ? "" : text(value);
      } catch {
        return "";
      }
    };
    let stack = read("stack");
    // Constructors of error classes are no places where something went wrong.
    const makers: string[] = [];
    for (let at: object | null = error; at; at = getPrototypeOf(at)) {
      const maker = own(at, "constructor")?.value;
      if (typeof maker === "function") makers[makers.length] = `    at ${maker.name} (`;
    }
    for (let i = makers.length - 1; i >= 0; i--)
      if (apply(startsWith, stack, [makers[i]])) stack = apply(slice, stack, [apply(indexOf, stack, ["\n"]) + 1]);
    return { name: read("name") || "Error", message: read("message"), stack };
  }

  return { encode: encodeWith, quote, facts };
}
