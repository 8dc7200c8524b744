/** A value of the guest as text that `guest.ts` wrote; see its `encode`. */
type Encoded = string | number | boolean | null | EncodedObject;
interface EncodedObject {
  /** What kind of thing it is. */
  t: string;
  /** Its number, for references to it. */
  i?: number;
  /** Name of its class; null without a prototype. */
  c?: string | null;
  /** `Symbol.toStringTag`. */
  g?: string;
  /** Enumerable own properties: key, value, key, value, ... */
  k?: Encoded[];
  /** Its content: items, entries one after the other, or text. */
  v?: Encoded | Encoded[];
  /** How many items it has, also those that were left out. */
  l?: number;
  n?: string;
  m?: string;
  s?: string;
  x?: string;
  f?: "class" | "async" | "generator" | "asyncGenerator" | "plain";
  p?: 0 | 1 | 2;
  cause?: Encoded;
}

type Base = new (...args: never[]) => object;

/** A class of this name, as `util.inspect` looks for it. */
function classNamed(name: string, base: Base): Base {
  const made = base === Object ? class {} : class extends base {};
  Object.defineProperty(made, "name", { value: name, configurable: true });
  return made;
}

/** Stack frames as they are shown: the snippet's own only, without QuickJS's name for the outermost. */
export function ownFrames(stack: string): string[] {
  return stack
    .split("\n")
    .filter((line) => /^ {4}at /.test(line) && !line.includes("(<console>") && !line.includes("at <console>"))
    .map((line) => line.replace(/^ {4}at <eval> \((.*)\)$/, "    at $1"))
    .slice(0, 10);
}

/**
 * Builds values that `util.inspect` shows as it would show the guest's: same classes by name, same properties, nothing
 * of the guest's code.
 *
 * @param remap changes a stack frame, for example from generated to written lines.
 */
export function decode(text: string, remap: (frame: string) => string): unknown[] {
  const made = new Map<number, unknown>();
  const note = <T>(node: EncodedObject, value: T): T => {
    if (node.i !== undefined) made.set(node.i, value);
    return value;
  };

  function build(node: Encoded): unknown {
    if (typeof node !== "object" || node === null) return node;
    switch (node.t) {
      case "undefined":
        return undefined;
      case "number":
        return Number(node.v);
      case "bigint":
        return BigInt(node.v as string);
      case "symbol":
        return Symbol(node.v as string | undefined);
      case "ref":
        return made.get(node.i!);
      default:
        return dressed(node, bare(node));
    }
  }

  const items = (node: EncodedObject): Encoded[] => (Array.isArray(node.v) ? node.v : []);

  /** The thing with its content, but without further properties. */
  function bare(node: EncodedObject): object {
    switch (node.t) {
      case "array": {
        const array: unknown[] = note(node, []);
        items(node).forEach((item, i) => {
          if ((item as EncodedObject | null)?.t !== "hole") array[i] = build(item);
        });
        array.length = node.l!;
        return array;
      }
      case "view": {
        const kind = (globalThis as unknown as Record<string, new (length: number) => Record<number, unknown>>)[
          node.n!
        ];
        const view = note(node, new (kind ?? Uint8Array)(node.l!));
        items(node).forEach((item, i) => {
          view[i] = build(item);
        });
        return view;
      }
      case "map": {
        const map = note(node, new Map<unknown, unknown>());
        const parts = items(node);
        for (let i = 0; i < parts.length; i += 2) map.set(build(parts[i]!), build(parts[i + 1]!));
        // Entries that were left out count.
        for (let i = map.size; i < Math.min(node.l!, 1e5); i++) map.set(Symbol(), undefined);
        return map;
      }
      case "set": {
        const set = note(node, new Set<unknown>());
        for (const item of items(node)) set.add(build(item));
        for (let i = set.size; i < Math.min(node.l!, 1e5); i++) set.add(Symbol());
        return set;
      }
      case "date":
        return note(node, new Date(build(node.v as Encoded) as number));
      case "regexp": {
        const [, source, flags] = /^\/(.*)\/(\w*)$/s.exec(node.v as string) ?? [];
        const found = note(node, /(?:)/);
        // Never compiled: only its text is shown.
        Object.defineProperty(found, "toString", { value: () => `/${source}/${flags}` });
        return shownAs(found, `/${source}/${flags}`);
      }
      case "error":
        return error(node);
      case "promise": {
        const value = node.p === 0 ? undefined : build(items(node)[0]!);
        const promise = node.p === 0 ? new Promise(() => {}) : node.p === 1 ? fulfilled(value) : Promise.reject(value);
        promise.catch(() => {});
        return note(node, promise);
      }
      case "weakMap":
        return note(node, new WeakMap());
      case "weakSet":
        return note(node, new WeakSet());
      case "box":
        return note(node, Object(build(items(node)[0]!)) as object);
      case "function":
        return note(node, callable(node));
      default:
        return note(node, {});
    }
  }

  function error(node: EncodedObject): Error {
    const made = note(node, new Error(node.m));
    const title = node.m ? `${node.n}: ${node.m}` : node.n!;
    const stack = [title, ...ownFrames(node.s!).map(remap)].join("\n");
    Object.defineProperty(made, "stack", { value: stack, configurable: true });
    if (node.cause !== undefined)
      Object.defineProperty(made, "cause", { value: build(node.cause), configurable: true, enumerable: false });
    return made;
  }

  /** Class, tag and properties. */
  function dressed(node: EncodedObject, value: object): object {
    const usual = (Object.getPrototypeOf(value) as { constructor: Base }).constructor;
    if (node.c === null) Object.setPrototypeOf(value, null);
    else if (node.c !== usual.name && node.t !== "function")
      Object.setPrototypeOf(value, classNamed(node.c!, usual).prototype);
    if (node.g !== undefined && node.t !== "function" && node.t !== "view")
      Object.defineProperty(value, Symbol.toStringTag, { value: node.g, configurable: true });
    const keys = node.k ?? [];
    for (let i = 0; i < keys.length; i += 2) {
      const key = build(keys[i]!) as PropertyKey;
      const held = keys[i + 1]!;
      const accessor = (held as EncodedObject | null)?.t === "accessor" ? ((held as EncodedObject).v as string) : null;
      Object.defineProperty(value, key, {
        enumerable: true,
        configurable: true,
        ...(accessor === null
          ? { value: build(held), writable: true }
          : { ...(accessor.includes("g") && { get() {} }), ...(accessor.includes("s") && { set() {} }) }),
      });
    }
    return value;
  }

  return (JSON.parse(text) as Encoded[]).map(build);
}

/** A promise that holds the value itself. */
function fulfilled(value: unknown): Promise<unknown> {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "then"))
    // A look-alike of a promise would be asked to settle.
    Reflect.deleteProperty(value, "then");
  return Promise.resolve(value);
}

function shownAs(value: object, text: string): object {
  return Object.defineProperty(value, Symbol.for("nodejs.util.inspect.custom"), { value: () => text });
}

function callable(node: EncodedObject): object {
  const kinds = {
    class: () => class {},
    async: () => async () => {},
    generator: () => function* () {},
    asyncGenerator: () => async function* () {},
    plain: () => () => {},
  };
  const made = kinds[node.f ?? "plain"]();
  Object.defineProperty(made, "name", { value: node.n ?? "", configurable: true });
  if (node.x !== undefined) {
    const parent = class {};
    Object.defineProperty(parent, "name", { value: node.x, configurable: true });
    Object.setPrototypeOf(made, parent);
  }
  return made;
}
