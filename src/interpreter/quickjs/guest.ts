/** What the guest's world asks of its host; strings and numbers only, but for a promise's state. */
export interface GuestHost {
  /** Calls a method of the console with arguments in the encoding of {@link guest}. */
  print(method: string, args: string): void;
  /** The real time in milliseconds since 1970. */
  now(): number;
  /** `[0]` pending, `[1, value]` fulfilled, `[2, reason]` rejected. */
  promiseState(promise: unknown): [0 | 1 | 2, unknown?];
}

/** What the host asks of the guest's world. */
export interface Guest {
  /** A value as the text that `decode` reads. */
  encode(value: unknown): string;
  /** Name, message and stack of what was thrown, as JSON. */
  describe(thrown: unknown): string;
  /** Notes a promise whose rejection nobody may miss; returns its argument. */
  watch(value: unknown): unknown;
  /** The first watched promise that was rejected, as `[reason]`. */
  rejected(): [unknown] | undefined;
  /** Runs the timer that is due first; false where none is set. */
  tick(): boolean;
  /** Forgets the timers and watched promises of a cell that is over. */
  settle(): void;
}

/**
 * The JavaScript around a snippet: console, timers, seeded `Math.random`, clock. Its text runs inside QuickJS before
 * each snippet, so it may use nothing from outside of itself. It keeps its own copies of what it calls, so that a
 * snippet that changes a prototype breaks its own output at most.
 *
 * Time is virtual: a timer does not wait, it moves the clock. Timers fire in order of their time.
 *
 * @param clock milliseconds since 1970 at which the clock starts, each look at it taking 1 ms; null for the real one.
 */
export function guest(host: GuestHost, seed: number, clock: number | null): Guest {
  const quote = JSON.stringify as (text: string) => string;
  const { getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Object;
  const { ownKeys, apply, construct } = Reflect;
  const { isArray } = Array;
  const { toString: tagOf } = Object.prototype;
  const { toString: sourceOf } = Function.prototype;
  const { isInteger } = Number;
  const own = (value: object, key: PropertyKey) => getOwnPropertyDescriptor(value, key);
  const later = Promise.prototype.then;
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
  const slice = String.prototype.slice;
  const match = (expression: RegExp, text: string) => apply(RegExp.prototype.exec, expression, [text]) !== null;
  const text = String;

  // One item more than Node shows of a list, which it looks at all the same, and one level more.
  const maxItems = 101;
  const maxLevels = 3;

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
        if (value !== value || value === Infinity || value === -Infinity || (value === 0 && 1 / value < 0))
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
        const value = found.get || found.set ? `{"t":"accessor","v":"${found.get ? "g" : ""}${found.set ? "s" : ""}"}` : level >= levels ? "0" : any(found.value, level + 1);
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
    return { name: read("name") || "Error", message: read("message"), stack: read("stack") };
  }

  // --- the console
  const methods = ["log", "info", "debug", "warn", "error", "dir", "table", "group", "groupCollapsed", "groupEnd"];
  const quick = { log: 1, info: 1, debug: 1, warn: 1, error: 1 };
  const console: Record<string, unknown> = {};
  const method = (name: string, act: (...args: unknown[]) => void) =>
    defineProperty(console, name, { value: act, writable: true, enumerable: true, configurable: true });
  for (const name of [...methods, "assert", "count", "countReset"])
    method(name, (...args) => {
      if (name === "dir" || name === "table") host.print(name, encodeWith(args, name === "dir" ? 20 : maxLevels, 1000));
      else if (args.length === 1 && typeof args[0] === "string" && own(quick, name)) host.print(name, quote(args[0]));
      else host.print(name, encodeWith(args, maxLevels, maxItems));
    });
  method("trace", (...args) => host.print("error", encodeWith(["Trace:", ...args], maxLevels, maxItems)));
  const started: Record<string, number> = { __proto__: null } as never;
  const elapsed = (label: unknown, end: boolean) => {
    const name = text(label ?? "default");
    if (started[name] === undefined) return;
    host.print("log", quote(`${name}: ${now() - started[name]}ms`));
    if (end) delete started[name];
  };
  method("time", (label) => {
    started[text(label ?? "default")] = now();
  });
  method("timeLog", (label) => elapsed(label, false));
  method("timeEnd", (label) => elapsed(label, true));

  // --- chance and time
  let state = seed >>> 0;
  const { imul } = Math;
  Math.random = function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  let moved = 0;
  const start = clock ?? host.now();
  const now = (): number => (clock === null ? host.now() + moved : clock + moved++);
  const RealDate = Date;
  function ClockDate(this: unknown, ...args: unknown[]): unknown {
    if (!new.target) return new RealDate(now()).toString();
    return construct(RealDate, args.length ? args : [now()], new.target);
  }
  defineProperty(ClockDate, "name", { value: "Date", configurable: true });
  defineProperty(ClockDate, "length", { value: 7, configurable: true });
  ClockDate.prototype = RealDate.prototype;
  for (const [name, value] of [
    ["now", () => now()],
    ["parse", RealDate.parse],
    ["UTC", RealDate.UTC],
  ] as const)
    defineProperty(ClockDate, name, { value, writable: true, configurable: true });
  defineProperty(RealDate.prototype, "constructor", { value: ClockDate, writable: true, configurable: true });

  // --- timers
  interface Timer {
    id: number;
    due: number;
    every: number | null;
    act(): void;
  }
  let timers: Timer[] = [];
  let nextTimer = 1;
  let elapsedVirtually = 0;
  const addTimer = (repeats: boolean) => (act: unknown, delay?: unknown, ...args: unknown[]) => {
    if (typeof act !== "function") throw new TypeError("The callback of a timer must be a function");
    const given = Number(delay);
    const wait = given >= 1 ? given : 1;
    const id = nextTimer++;
    timers[timers.length] = {
      id,
      due: elapsedVirtually + wait,
      every: repeats ? wait : null,
      act: () => apply(act as () => void, undefined, args),
    };
    return id;
  };
  const dropTimer = (id: unknown) => {
    timers = timers.filter((timer) => timer.id !== id);
  };
  const addTimeout = addTimer(false);

  // --- what the snippet finds
  const watched: unknown[] = [];
  const globals: Record<string, unknown> = {
    console,
    Date: ClockDate,
    performance: { now: () => now() - start },
    setTimeout: addTimeout,
    setInterval: addTimer(true),
    setImmediate: (act: unknown, ...args: unknown[]) => addTimeout(act, 0, ...args),
    clearTimeout: dropTimer,
    clearInterval: dropTimer,
    clearImmediate: dropTimer,
    queueMicrotask: (act: () => void) => {
      if (typeof act !== "function") throw new TypeError("The argument of queueMicrotask must be a function");
      watched[watched.length] = later.call(Promise.resolve(), () => act());
    },
  };
  for (const name of ownKeys(globals))
    defineProperty(globalThis, name, {
      value: globals[name as string],
      writable: true,
      configurable: true,
      enumerable: false,
    });

  return {
    encode: (value) => encodeWith([value], maxLevels, maxItems),
    describe(thrown) {
      if (!(thrown instanceof Error)) return `{"value":${encodeWith([thrown], maxLevels, maxItems)}}`;
      const { name, message, stack } = facts(thrown);
      return `{"name":${quote(name)},"message":${quote(message)},"stack":${quote(stack)},"value":${encodeWith([thrown], maxLevels, maxItems)}}`;
    },
    watch(value) {
      if (value instanceof Promise) watched[watched.length] = value;
      return value;
    },
    rejected() {
      for (let i = 0; i < watched.length; i++) {
        const [found, reason] = host.promiseState(watched[i]);
        if (found === 2) return [reason];
      }
      return undefined;
    },
    tick() {
      let first: Timer | undefined;
      for (let i = 0; i < timers.length; i++) if (!first || timers[i]!.due < first.due) first = timers[i];
      if (!first) return false;
      const chosen = first;
      moved += isInteger(chosen.due) ? chosen.due - elapsedVirtually : 0;
      elapsedVirtually = chosen.due;
      if (chosen.every === null) dropTimer(chosen.id);
      else chosen.due += chosen.every;
      chosen.act();
      return true;
    },
    settle() {
      timers = [];
      watched.length = 0;
    },
  };
}
