import { createHash } from "node:crypto";
import { InvalidInputError } from "../base/errors.ts";
import { host, type JupyterHost } from "../display/host.ts";
import { type FunctionCode, functionCode } from "./function-code.ts";

/** What is recorded of a thing that a part's code reads from outside itself. */
export type Captured =
  /** A function: its text, and what that reads is recorded too. */
  | { readonly kind: "function"; readonly source: string }
  /** Plain data as they were when the part was made. */
  | { readonly kind: "data"; readonly json: unknown }
  /** More data than a recording should hold. */
  | { readonly kind: "digest"; readonly sha256: string; readonly characters: number }
  /**
   * Something of a module: its code is not recorded. Of the user's own files, with those that they import in turn, a hash
   * tells when one has changed.
   */
  | {
      readonly kind: "import";
      readonly module: string;
      readonly files?: readonly { readonly path: string; readonly sha256: string }[];
    };

/** The code of a part, and all that is known of what it reads. */
export interface PartCode {
  /** Its functions by what they are for. */
  readonly functions: Readonly<Record<string, FunctionCode>>;
  readonly captured: Readonly<Record<string, Captured>>;
  /** Names that the code reads and of which nothing is recorded. */
  readonly unrecorded: readonly string[];
}

/** Data longer than this as JSON are recorded as a digest. */
const maxCharacters = 50_000;

/**
 * Reads the code of a part and follows what it reads: in a notebook the kernel tells what names stand for; `uses` names
 * what a function closes over.
 *
 * @throws InvalidInputError for functions without a text, and for things in `uses` that are neither functions nor plain data.
 */
export function codeOf(
  functions: Readonly<Record<string, object>>,
  uses: Readonly<Record<string, unknown>>,
  what: string,
): PartCode {
  const captured: Record<string, Captured> = {};
  const unrecorded = new Set<string>();
  const follow = (fn: object, name: string): FunctionCode => {
    const { code, closedOver } = read(fn, name);
    for (const free of code.freeNames) {
      if (Object.hasOwn(uses, free) || Object.hasOwn(captured, free)) continue;
      const known = closedOver.has(free) ? undefined : host()?.nameOf?.(free);
      const found = known && capture(free, known, follow, captured);
      if (found) captured[free] = found;
      else unrecorded.add(free);
    }
    return code;
  };
  for (const [name, value] of Object.entries(uses)) {
    const found = capture(name, { value }, follow, captured);
    if (!found)
      throw new InvalidInputError(
        `uses.${name} of ${what} cannot be recorded: it is neither a function nor plain data.`,
        "Give functions, numbers, texts, and arrays and objects of such.",
      );
    captured[name] = found;
  }
  const codes = Object.fromEntries(Object.entries(functions).map(([name, fn]) => [name, follow(fn, what)]));
  return { functions: codes, captured, unrecorded: [...unrecorded].sort() };
}

/** A function's code, and those of its free names that are no names of the notebook. */
function read(fn: object, what: string): { code: FunctionCode; closedOver: ReadonlySet<string> } {
  const asRun = Function.prototype.toString.call(fn);
  const asWritten = host()?.codeOf?.(fn);
  if (asWritten === undefined) {
    const code = functionCode(asRun, what);
    return { code, closedOver: new Set(code.freeNames) };
  }
  return { code: functionCode(asWritten, what), closedOver: new Set(functionCode(asRun, what).freeNames) };
}

function capture(
  name: string,
  { value, module, files }: NonNullable<ReturnType<NonNullable<JupyterHost["nameOf"]>>>,
  follow: (fn: object, name: string) => FunctionCode,
  captured: Record<string, Captured>,
): Captured | undefined {
  if (module !== undefined) return { kind: "import", module, ...(files && { files }) };
  if (typeof value !== "function") return dataOf(value);
  // Functions may call each other, and themselves.
  captured[name] = { kind: "function", source: "" };
  try {
    return { kind: "function", source: follow(value, name).text };
  } catch (error) {
    delete captured[name];
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

function dataOf(value: unknown): Captured | undefined {
  const json = plainData(value);
  if (json === undefined) return undefined;
  const text = JSON.stringify(json);
  if (text.length <= maxCharacters) return { kind: "data", json };
  return { kind: "digest", sha256: createHash("sha256").update(text).digest("hex"), characters: text.length };
}

const arrayKinds = [
  Float32Array,
  Float64Array,
  Int32Array,
  Uint32Array,
  Uint8Array,
  Int8Array,
  Int16Array,
  Uint16Array,
];

/** A value as JSON, where JSON tells all of it; undefined for anything else. */
function plainData(value: unknown, depth = 0): unknown {
  if (depth > 20) return undefined;
  const all = (values: Iterable<unknown>): unknown[] | undefined => {
    const items = Array.from(values, (item) => plainData(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  };
  const wrapped = (name: string, items: unknown[] | undefined) => items && { [name]: items };
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : { number: String(value) };
  if (typeof value === "bigint") return { bigint: String(value) };
  if (typeof value !== "object") return undefined;
  if (Array.isArray(value)) return all(value);
  if (value instanceof RegExp) return { regex: String(value) };
  if (value instanceof Set) return wrapped("Set", all(value));
  if (value instanceof Map) return wrapped("Map", all(value));
  const typed = arrayKinds.find((kind) => value instanceof kind);
  if (typed) return wrapped(typed.name, Array.from(value as unknown as ArrayLike<number>));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const entries = Object.entries(value).map(([key, inner]) => [key, plainData(inner, depth + 1)] as const);
  return entries.some(([, inner]) => inner === undefined) ? undefined : Object.fromEntries(entries);
}
